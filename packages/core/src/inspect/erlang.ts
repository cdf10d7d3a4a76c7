/**
 * The queue M/M/c: calls come at random moments, take random times, and c slots serve them in turn. Formulas of A. K.
 * Erlang (1917), computed by the recursion of the inverse of B, which neither overflows nor cancels out for any c.
 */
export interface WaitModel {
  /** Slots. */
  readonly slots: number;
  /** Calls a second. */
  readonly arrivalRate: number;
  /** Mean time that a call holds a slot, in milliseconds. */
  readonly serviceTime: number;
}

/** The load in Erlangs: how many slots are busy on average, if there are enough. */
export function loadOf({ arrivalRate, serviceTime }: Omit<WaitModel, 'slots'>): number {
  return (arrivalRate * serviceTime) / 1000;
}

/** Erlang's B: the part of calls that find all slots busy where nobody waits. */
export function erlangB(slots: number, load: number): number {
  let inverse = 1;
  for (let k = 1; k <= slots; k += 1) inverse = 1 + (k / load) * inverse;
  return 1 / inverse;
}

/** Erlang's C: the part of calls that have to wait. 1 where the slots cannot keep up. */
export function erlangC(slots: number, load: number): number {
  if (load >= slots) return 1;
  return waitingPart(slots, load, erlangB(slots, load));
}

/** The mean wait in milliseconds; Infinity where the slots cannot keep up. */
export function meanWait(model: WaitModel): number {
  const load = loadOf(model);
  if (load >= model.slots) return Number.POSITIVE_INFINITY;
  return (erlangC(model.slots, load) * model.serviceTime) / (model.slots - load);
}

/** The wait in milliseconds that the part `quantile` of all calls stays within (0.95: p95). */
export function waitQuantile(model: WaitModel, quantile: number): number {
  const load = loadOf(model);
  if (load >= model.slots) return Number.POSITIVE_INFINITY;
  return quantileOf(erlangC(model.slots, load), model, quantile);
}

/** The fewest slots with which the part `quantile` of all calls waits no longer than `target` milliseconds. */
export function slotsFor(flow: Omit<WaitModel, 'slots'>, target: number, quantile: number): number {
  const load = loadOf(flow);
  let inverse = 1;
  for (let slots = 1; ; slots += 1) {
    inverse = load === 0 ? Number.POSITIVE_INFINITY : 1 + (slots / load) * inverse;
    if (slots <= load) continue;
    const waiting = waitingPart(slots, load, 1 / inverse);
    if (quantileOf(waiting, { ...flow, slots }, quantile) <= target) return slots;
  }
}

function waitingPart(slots: number, load: number, blocked: number): number {
  const utilisation = load / slots;
  return blocked / (1 - utilisation * (1 - blocked));
}

function quantileOf(waiting: number, { slots, serviceTime, arrivalRate }: WaitModel, quantile: number): number {
  const late = 1 - quantile;
  if (waiting <= late) return 0;
  return (Math.log(waiting / late) * serviceTime) / (slots - loadOf({ arrivalRate, serviceTime }));
}
