const loneSurrogate = /\p{Surrogate}/u;

/**
 * Whether UTF-8 can carry this text. A lone surrogate becomes U+FFFD there, so that two names which differ in JavaScript would be
 * one name in a store: one lock, one schedule, one task.
 */
export function isWellFormed(text: string): boolean {
  return !loneSurrogate.test(text);
}

/** What an error says of a name that is no such text. */
export const illFormed = 'it holds half of a surrogate pair, which a store cannot keep apart from another one';

/** A name: a text that is not empty, and that a store keeps as it is. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && isWellFormed(value);
}
