import {
  type CanvasNode,
  type CanvasTaskNode,
  type JsonValue,
  memberId,
  NotSupportedError,
  ownIdOf,
  stepId,
} from '@lovage/core/driver';
import { ownHeader, ownHeaderOf } from '../message/own-header.ts';
import { toIsoTime } from '../protocol/iso-time.ts';
import type { Fields } from '../protocol/json-schema.ts';
import { type CelerySignature, signatureToJson } from '../protocol/signature.ts';

/** How nodes are written. */
export interface NodeStyle {
  readonly priority: (own: number) => number;
}

/** Where a node's value is found; how many chains around it have that id. Callbacks have none. */
interface NodePlace {
  readonly id?: string;
  readonly level: number;
}

/** A canvas of ours as a signature of Celery's, its ids set. Throws {@link NotSupportedError} for a gate. */
export function signatureOf(node: CanvasNode, id: string | undefined, style: NodeStyle): CelerySignature {
  return convert(node, { ...(id === undefined ? {} : { id }), level: 0 }, style);
}

function convert(node: CanvasNode, place: NodePlace, style: NodeStyle): CelerySignature {
  switch (node.kind) {
    case 'task':
      return taskOf(node, place, style);
    case 'sequence':
      return canvasOf(
        'chain',
        {
          tasks: node.steps
            .map((step, index) => convert(step, stepPlace(node.steps, index, place), style))
            .map(signatureToJson),
        },
        callbackOptions(node, style),
      );
    default:
      return groupOf(node, place, style);
  }
}

function stepPlace(steps: readonly CanvasNode[], index: number, { id, level }: NodePlace): NodePlace {
  const own = ownIdOf(steps[index]);
  if (id === undefined) return own === undefined ? { level: 0 } : { id: own, level: 0 };
  return index === steps.length - 1 ? { id, level: level + 1 } : { id: own ?? stepId(id, index, level), level: 0 };
}

function memberPlace(member: CanvasNode, index: number, group: string | undefined): NodePlace {
  const id = ownIdOf(member) ?? (group === undefined ? undefined : memberId(group, index));
  return id === undefined ? { level: 0 } : { id, level: 0 };
}

/** The link of a group is sent once, with its list: a chord's body. */
function groupOf(node: Extract<CanvasNode, { kind: 'group' }>, { id }: NodePlace, style: NodeStyle): CelerySignature {
  const tasks = node.members.map((member, index) =>
    signatureToJson(convert(member, memberPlace(member, index, id), style)),
  );
  const errors = node.errors.map((error) => signatureToJson(convert(error, { level: 0 }, style)));
  const group = canvasOf(
    'group',
    { tasks },
    { ...(id === undefined ? {} : { task_id: id }), ...(errors.length > 0 ? { link_error: errors } : {}) },
  );
  if (node.links.length === 0) return group;
  const [only, ...more] = node.links.map((link) => convert(link, { level: 0 }, style));
  const body =
    more.length === 0
      ? (only as CelerySignature)
      : canvasOf('group', { tasks: [only as CelerySignature, ...more].map(signatureToJson) }, {});
  return canvasOf('chord', { header: signatureToJson(group), body: signatureToJson(body), kwargs: {} }, {});
}

function canvasOf(type: 'chain' | 'group' | 'chord', kwargs: Fields, options: Fields): CelerySignature {
  return { task: `celery.${type}`, args: [], kwargs, options, subtask_type: type, immutable: false };
}

function callbackOptions({ links, errors }: CanvasNode, style: NodeStyle): Fields {
  const list = (nodes: readonly CanvasNode[]) => nodes.map((one) => signatureToJson(convert(one, { level: 0 }, style)));
  return {
    ...(links.length > 0 ? { link: list(links) } : {}),
    ...(errors.length > 0 ? { link_error: list(errors) } : {}),
  };
}

function taskOf(node: CanvasTaskNode, { id }: NodePlace, style: NodeStyle): CelerySignature {
  if (node.gate) throw new NotSupportedError('gates wait in Lovage: Celery has no word for them');
  const { message, takesInput, each } = node;
  const options: Fields = {
    ...(id === undefined ? {} : { task_id: id }),
    ...optionsOf(node, style),
    ...callbackOptions(node, style),
  };
  if (!each)
    return {
      task: message.task,
      args: message.args,
      kwargs: message.kwargs ?? {},
      options,
      subtask_type: null,
      immutable: !takesInput,
    };
  const inner = { task: message.task, args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false };
  return {
    task: 'celery.starmap',
    args: [],
    kwargs: { task: inner, it: message.args },
    options,
    subtask_type: null,
    immutable: true,
  };
}

function optionsOf({ message, times }: CanvasTaskNode, { priority }: NodeStyle): Fields {
  const options: Record<string, JsonValue> = { queue: message.queue, priority: priority(message.priority) };
  if (times.eta !== undefined) options.eta = toIsoTime(times.eta);
  if (times.countdown) options.countdown = times.countdown / 1_000;
  if (times.expiresAt !== undefined) options.expires = toIsoTime(times.expiresAt);
  if (times.expiresAfter !== undefined) options.expires = times.expiresAfter / 1_000;
  if (message.timeLimit !== undefined) options.time_limit = message.timeLimit / 1_000;
  if (message.softTimeLimit !== undefined) options.soft_time_limit = message.softTimeLimit / 1_000;
  if (message.ignoreResult) options.ignore_result = true;
  if (message.replyTo !== undefined) options.reply_to = message.replyTo;
  if (message.headers) options.headers = message.headers;
  if (message.stamps) Object.assign(options, { stamped_headers: Object.keys(message.stamps) }, message.stamps);
  const own = ownHeaderOf({ ...message, id: '', sentAt: 0 });
  if (own) options.headers = { ...message.headers, [ownHeader]: own };
  return options;
}
