/** A value that JSON carries unchanged. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Keys that re-parent an object when it is copied: refused on the wire. (`constructor` is a fair name for data.) */
export const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__']);
