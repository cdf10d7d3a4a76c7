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
