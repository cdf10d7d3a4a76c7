import { randomUUID } from 'node:crypto';
import type { JsonValue } from '@lovage/core/driver';
import { type Fields, isFields } from '../protocol/json-schema.ts';
import {
  type CelerySignature,
  parseSignature,
  signaturesIn,
  signatureToJson,
  textOption,
  withOptions,
} from '../protocol/signature.ts';

/** The steps of a chain. */
export function stepsOf({ kwargs }: CelerySignature): readonly CelerySignature[] {
  return signaturesIn(kwargs.tasks);
}

/** The members of a group; a header may also be a bare list. */
export function membersOf(group: CelerySignature | JsonValue | undefined): readonly CelerySignature[] {
  if (Array.isArray(group)) return signaturesIn(group as JsonValue);
  const signature = parseSignature(group as JsonValue);
  if (signature === undefined) return [];
  return signature.subtask_type === 'group' ? signaturesIn(signature.kwargs.tasks) : [signature];
}

/** A chord of a header and what is to run when it is complete. */
export function chordOf(header: CelerySignature, body: CelerySignature): CelerySignature {
  return {
    task: 'celery.chord',
    args: [],
    kwargs: { header: signatureToJson(header), body: signatureToJson(body), kwargs: {} },
    options: {},
    subtask_type: 'chord',
    immutable: false,
  };
}

/** Lists of signatures in options, joined. */
export function joined(...lists: readonly (JsonValue | undefined)[]): readonly JsonValue[] {
  return lists.flatMap((list) => (Array.isArray(list) ? (list as JsonValue[]) : isFields(list) ? [list] : []));
}

/**
 * The steps of a chain as they are sent one after another: chains within it spread out, a group with a step behind it made
 * a chord of both, every task with an id, and what hangs on the chain as a whole hung on the steps it belongs to.
 */
export function flatSteps(chain: CelerySignature): readonly CelerySignature[] {
  const spread = stepsOf(chain).flatMap((step) => (step.subtask_type === 'chain' ? flatSteps(step) : [step]));
  const steps: CelerySignature[] = [];
  for (const step of spread) {
    const before = steps.at(-1);
    if (before?.subtask_type !== 'group') steps.push(step);
    else if (membersOf(before.kwargs.tasks).length === 0)
      steps.splice(-1, 1, step); // an empty group is skipped
    else steps.splice(-1, 1, chordOf(before, step));
  }
  return withWhole(chain, steps).map(withId);
}

/** Every task needs an id before it is sent, so that whoever fails before it can end it. */
function withId(step: CelerySignature): CelerySignature {
  if (step.subtask_type === 'chord') {
    const body = parseSignature(step.kwargs.body);
    return body === undefined ? step : { ...step, kwargs: { ...step.kwargs, body: signatureToJson(withId(body)) } };
  }
  return textOption(step, 'task_id') === undefined ? withOptions(step, { task_id: randomUUID() }) : step;
}

const whole = ['group_id', 'group_index', 'chord', 'chain', 'task_id'] as const;
/** What a canvas says for each of its members. */
const shared = ['queue', 'priority', 'root_id', 'parent_id', 'reply_to', 'expires'] as const;

function withWhole(chain: CelerySignature, steps: readonly CelerySignature[]): readonly CelerySignature[] {
  const { options, args } = chain;
  return steps.map((step, index) => {
    const isLast = index === steps.length - 1;
    const first = index === 0 && args.length > 0 && !step.immutable ? { ...step, args: [...args, ...step.args] } : step;
    const extra: Record<string, JsonValue> = {};
    for (const name of shared)
      if (options[name] !== undefined && first.options[name] === undefined) extra[name] = options[name];
    const errors = joined(first.options.link_error, options.link_error);
    if (errors.length > 0) extra.link_error = errors;
    if (isLast) Object.assign(extra, lastOptions(first, options));
    return Object.keys(extra).length > 0 ? withOptions(first, extra) : first;
  });
}

function lastOptions(step: CelerySignature, options: Fields): Record<string, JsonValue> {
  const extra: Record<string, JsonValue> = {};
  const links = joined(step.options.link, options.link);
  if (links.length > 0) extra.link = links;
  for (const name of whole)
    if (options[name] !== undefined && step.options[name] === undefined) extra[name] = options[name];
  return extra;
}
