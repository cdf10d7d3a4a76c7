import { ConfigurationError } from '../errors.ts';
import { limits } from '../options/limits.ts';
import { Chain } from './chain.ts';
import { Chord } from './chord.ts';
import { Gate, gate } from './gate.ts';
import { Group } from './group.ts';
import type { AnySignature, SignatureParts, SignatureSender } from './signature.ts';
import type { CanvasData, GateData } from './signature-data.ts';
import { TaskSignature } from './task-signature.ts';

/** A canvas from its JSON. Throws {@link ConfigurationError} for anything else. */
export function parseCanvas(data: CanvasData, sender: SignatureSender, depth = 0): AnySignature {
  if (depth > limits.canvasDepth)
    throw new ConfigurationError(`app.signature: nested deeper than ${limits.canvasDepth} levels`);
  const each = (list: unknown): AnySignature[] => {
    if (!Array.isArray(list)) throw unreadable();
    return list.map((item: CanvasData) => parseCanvas(item, sender, depth + 1));
  };
  if (typeof data !== 'object' || data === null) throw unreadable();
  const parts: SignatureParts = {
    options: data.options ?? {},
    links: each(data.link ?? []),
    errorLinks: each(data.linkError ?? []),
  };
  if ('task' in data && typeof data.task === 'string' && Array.isArray(data.args)) {
    return new TaskSignature(data, sender, undefined, parts);
  }
  if ('gate' in data) return parseGate(data, parts);
  if ('chain' in data) return new Chain(each(data.chain), parts);
  if ('group' in data) return new Group(each(data.group), parts, sender);
  if (!('chord' in data)) throw unreadable();
  return new Chord(new Group(each(data.chord), undefined, sender), parseCanvas(data.body, sender, depth + 1), parts);
}

function parseGate(data: GateData, parts: SignatureParts): Gate {
  const { timeout, default: fallback } = data;
  const options = {
    ...(timeout === undefined ? {} : { timeout }),
    ...(fallback === undefined ? {} : { default: fallback }),
  };
  return new Gate(gate(data.gate, options).rule, parts);
}

function unreadable(): ConfigurationError {
  return new ConfigurationError(
    'app.signature: expected a canvas as JSON.stringify(signature) gives, such as { task, args, options, immutable }',
  );
}
