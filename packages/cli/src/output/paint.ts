import { styleText } from 'node:util';

/** The few styles that the CLI uses. */
export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';

/** Coloured text where the stream is a terminal that shows it; NO_COLOR, FORCE_COLOR and TERM=dumb are heeded. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stderr): string {
  return styleText(style, text, { stream });
}

/** `--no-color`: for this process and those it starts. */
export function switchColorsOff(): void {
  process.env['NO_COLOR'] = '1';
  delete process.env['FORCE_COLOR'];
}
