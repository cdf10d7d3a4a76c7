import { createHash } from 'node:crypto';

/** Ids are at most 200 characters; what is longer than this is shortened, so that its own children fit. */
const longest = 150;

/**
 * The id of a part of a canvas, derived from the id of the whole and the part's place in it: whoever knows the one knows the
 * other, on every run. `.3` is a group's fourth member, `~2` a chain's third step; the last step has the chain's own id.
 */
export function childId(parent: string, place: string): string {
  const id = parent + place;
  if (id.length <= longest) return id;
  return `${parent.slice(0, 36)}~~${createHash('sha256').update(id).digest('base64url')}`;
}

/** The id of the plan of a task that was replaced, beside its own record. */
export function replacedId(id: string): string {
  return childId(id, '~p');
}
/** What a node of a canvas tells of its id. */
export interface Named {
  readonly kind: 'task' | 'sequence' | 'group';
  /** The id that its caller gave it. */
  readonly ownId?: string | undefined;
  readonly steps?: readonly Named[];
}

/** The id that a caller gave a node: a chain has the id of its last step. undefined: its id follows from its place in the canvas. */
export function ownIdOf(node: Named | undefined): string | undefined {
  if (node === undefined || node.ownId !== undefined) return node?.ownId;
  return node.kind === 'sequence' ? ownIdOf(node.steps?.at(-1)) : undefined;
}
