/** A value that JSON carries unchanged. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Nesting deeper than this is refused on both sides: `JSON.stringify` overflows the stack near 5,000. */
export const maxDepth = 64;

/** Keys that re-parent an object when it is copied: refused on the wire. (`constructor` is a fair name for data.) */
export const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__']);
