import type { ResultBackend } from '../driver/result-backend.ts';
import type { CanvasRef } from '../message/canvas-ref.ts';
import { isFinal, type OutcomeRecord } from '../message/outcome.ts';
import { stepId } from './freeze.ts';

/**
 * Where a unit stands in a canvas whose message cannot be read: as its record says, or its plan, or as its id says where the canvas
 * gave it one. undefined where none of them does: a plain task, or a first step with an id of the user's own.
 */
export async function findPlace(results: ResultBackend, id: string): Promise<CanvasRef | undefined> {
  const [record] = await results.get([id]);
  return canvasOf(record) ?? (await memberPlace(results, id)) ?? (await stepPlace(results, id));
}

/** Where a record says that its unit stands. */
export function canvasOf(record: OutcomeRecord | undefined): CanvasRef | undefined {
  const plan = record?.plan;
  if (plan?.kind === 'task') return plan.message.canvas ?? {};
  return plan?.kind === 'group' ? plan.canvas : record?.canvas;
}

async function memberPlace(results: ResultBackend, id: string): Promise<CanvasRef | undefined> {
  const [, group, index] = /^(.+)\.(\d+)$/.exec(id) ?? [];
  if (group === undefined) return undefined;
  const [record] = await results.get([group]);
  return record?.plan?.kind === 'group' ? { join: { group, index: Number(index) } } : undefined;
}

/** A first step of a chain: what follows it is the next one, which may itself begin with one of its own. */
async function stepPlace(results: ResultBackend, id: string): Promise<CanvasRef | undefined> {
  const [, whole, marks = '', index] = /^(.+)~(n*)(\d+)$/.exec(id) ?? [];
  if (whole === undefined) return undefined;
  const candidates = [stepId(whole, Number(index) + 1, marks.length), stepId(whole, 0, marks.length + 1), whole];
  const records = await results.get(candidates);
  const found = records.findIndex((record) => record?.plan !== undefined && !isFinal(record));
  if (found < 0) return undefined;
  const plan = records[found]?.plan;
  const entry = found < 2 && plan && plan.kind !== 'callback' ? plan.entry : undefined;
  return { next: entry ?? (candidates[found] as string) };
}
