/** A frame of STOMP 1.2. */
export interface StompFrame {
  readonly command: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', ':': '\\c' };
const plain: Readonly<Record<string, string>> = { n: '\n', r: '\r', c: ':', '\\': '\\' };
const empty = Buffer.alloc(0);

/** The bytes of a frame. CONNECT is not escaped, as the protocol has it. */
export function encodeFrame(
  command: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array = empty,
): Buffer {
  const escapeHeader = (text: string): string =>
    command === 'CONNECT' ? text : text.replace(/[\\\n\r:]/g, (char) => escapes[char] as string);
  const lines = Object.entries(headers).map(([name, value]) => `${escapeHeader(name)}:${escapeHeader(value)}\n`);
  const length = body.length > 0 ? `content-length:${body.length}\n` : '';
  return Buffer.concat([Buffer.from(`${command}\n${lines.join('')}${length}\n`), body, Buffer.from([0])]);
}

/** Cuts a stream of bytes into frames. Heartbeats (bare line ends) are swallowed. */
export class StompParser {
  #rest: Buffer = empty;

  /** The frames that these bytes complete. Throws for bytes that are no frame. */
  push(bytes: Buffer): readonly StompFrame[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: StompFrame[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): StompFrame | undefined {
    let start = 0;
    while (this.#rest[start] === 10 || this.#rest[start] === 13) start += 1;
    if (start > 0) this.#rest = this.#rest.subarray(start);
    const end = this.#endOfHeaders();
    if (end === undefined) return undefined;
    const [command = '', ...lines] = this.#rest.subarray(0, end.at).toString('utf8').split(/\r?\n/);
    const headers = readHeaders(lines);
    const length = headers['content-length'];
    const from = end.at + end.length;
    const to = length === undefined ? this.#rest.indexOf(0, from) : from + Number(length);
    if (to < 0 || this.#rest.length <= to) return undefined;
    if (this.#rest[to] !== 0) throw new Error('STOMP: a frame does not end where its content-length says');
    const body = Buffer.from(this.#rest.subarray(from, to));
    this.#rest = this.#rest.subarray(to + 1);
    return { command, headers, body };
  }

  #endOfHeaders(): { readonly at: number; readonly length: number } | undefined {
    const unix = this.#rest.indexOf('\n\n');
    const dos = this.#rest.indexOf('\r\n\r\n');
    if (unix < 0 && dos < 0) return undefined;
    return dos >= 0 && (unix < 0 || dos < unix) ? { at: dos, length: 4 } : { at: unix, length: 2 };
  }
}

/** The first of headers that are repeated counts. */
function readHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1)].map((text) =>
      text.replace(/\\(.)/g, (_, char: string) => plain[char] ?? `\\${char}`),
    ) as [string, string];
    headers[name] ??= value;
  }
  return headers;
}
