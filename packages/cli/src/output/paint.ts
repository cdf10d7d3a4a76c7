import { randomBytes } from 'node:crypto';
import { styleText } from 'node:util';
import { visible } from '@lovage/core/visible';

/** The few styles that the CLI uses. */
export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';

/** Stands for ESC in what the CLI paints itself; no text of others can hold it, since it is made anew by every process. */
const painted = `\0${randomBytes(9).toString('base64url')}\0`;

/**
 * Coloured text where the stream is a terminal that shows it; NO_COLOR, FORCE_COLOR and TERM=dumb are heeded. To be written by
 * {@link printable}.
 */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stderr): string {
  const [before = '', after = ''] = styleText(style, '\0', { stream }).split('\0');
  return `${before.replaceAll('\u001b', painted)}${text}${after.replaceAll('\u001b', painted)}`;
}

/** What may be written to a terminal: the CLI's own colours, and every control character of others' text shown as `\\u001b`. */
export function printable(text: string): string {
  return text.split(painted).map(visible).join('\u001b');
}

/** `--no-color`: for this process and those it starts. */
export function switchColorsOff(): void {
  process.env['NO_COLOR'] = '1';
  delete process.env['FORCE_COLOR'];
}
