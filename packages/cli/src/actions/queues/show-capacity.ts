import { formatDuration } from '@lovage/core/driver';
import { type Capacity, measureCapacity } from '@lovage/core/inspect';
import type { GlobalArguments } from '../../command.ts';
import type { ExitCode } from '../../exit-code.ts';
import { readDuration } from '../../options/read-duration.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { withApp } from '../with-app.ts';

/** What `lovage capacity` was given. */
export interface CapacityArguments extends GlobalArguments {
  readonly queue: string;
  readonly over?: string;
  readonly waitP95?: string;
  readonly timeout?: string;
}

/** Fewer attempts say little of a mean, less of a p95. */
const few = 100;

/** Measures a queue's workers for a while and prints what it found. */
export async function showCapacity(given: CapacityArguments): Promise<ExitCode> {
  const over = readDuration(given.over, '--over') ?? 10_000;
  const waitP95 = readDuration(given.waitP95, '--wait-p95');
  const timeout = readDuration(given.timeout, '--timeout');
  return withApp(given, async ({ app }) => {
    if (!given.json) printNote(`measuring for ${formatDuration(over)}`);
    const capacity = await measureCapacity(app, given.queue, {
      over,
      ...(waitP95 === undefined ? {} : { waitP95 }),
      ...(timeout === undefined ? {} : { timeout }),
    });
    if (given.json) printJson(capacity);
    else print(capacity, waitP95);
    return 0;
  });
}

function print(capacity: Capacity, waitP95: number | undefined): void {
  const { queue, queues, workers, slots, predicted, measured, slotsNeeded } = capacity;
  const shared = queues.filter((name) => name !== queue);
  const rows = [
    [
      'workers',
      `${workers.length}, with ${slots} slots${shared.length > 0 ? `, shared with ${shared.join(', ')}` : ''}`,
    ],
    ['arrivals', `${rate(capacity.arrivalRate)}, of which ${rate(capacity.endRate)} were done`],
    ['service', capacity.serviceTime === undefined ? 'unknown: no task has ended' : serviceOf(capacity)],
    ['utilisation', capacity.utilisation === undefined ? '-' : utilisationOf(capacity)],
    ['waiting', String(capacity.waiting)],
  ];
  if (slotsNeeded !== undefined && waitP95 !== undefined) {
    rows.push([`slots for p95 ≤ ${formatDuration(waitP95)}`, String(slotsNeeded)]);
  }
  printData(formatTable(['queue', queue], rows));
  printData(
    `\n${formatTable(
      ['wait', 'predicted', 'measured'],
      [
        ['mean', time(predicted.mean), time(measured.mean)],
        ['p95', time(predicted.p95), time(measured.p95)],
      ],
    )}`,
  );
  remark(capacity);
}

function serviceOf({ serviceTime, serviceVariation = 0 }: Capacity): string {
  return `${time(serviceTime)} on average, ± ${Math.round(serviceVariation * 100)} %`;
}

function utilisationOf({ utilisation = 0, load = 0, slots }: Capacity): string {
  return `${Math.round(utilisation * 100)} %: ${load.toFixed(1)} of ${slots} slots are busy`;
}

function remark({ utilisation, arrivalRate, endRate, over, serviceVariation }: Capacity): void {
  if (utilisation !== undefined && utilisation >= 1) {
    printNote(`more comes than the slots can do: the queue grows by ${rate(Math.max(0, arrivalRate - endRate))}`);
  }
  if ((endRate * over) / 1000 < few) {
    printNote(`fewer than ${few} tasks ended meanwhile: measure longer (--over) before you trust this`);
  } else if (serviceVariation !== undefined && serviceVariation < 0.7) {
    printNote('service times vary less than the prediction assumes: expect shorter waits than predicted');
  } else if (serviceVariation !== undefined && serviceVariation > 1.4) {
    printNote('service times vary more than the prediction assumes: expect longer waits than predicted');
  }
}

function rate(perSecond: number): string {
  return `${perSecond >= 100 ? Math.round(perSecond) : perSecond.toPrecision(3)}/s`;
}

function time(ms: number | undefined): string {
  if (ms === undefined) return '-';
  if (ms === Number.POSITIVE_INFINITY) return 'grows';
  return ms < 10 ? `${ms.toFixed(1)}ms` : formatDuration(Math.round(ms));
}
