/**
 * Control characters (but tab and line feed), marks that turn the direction of text, invisible line ends, and halves of surrogate pairs: what
 * a terminal would obey, an XML reader refuse, or a reader not see.
 */
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text that others wrote (names, arguments, results, errors), for a terminal or a picture: such characters are shown as in JSON (`\u001b`). */
export function visible(text: string): string {
  return text.replace(unseen, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
