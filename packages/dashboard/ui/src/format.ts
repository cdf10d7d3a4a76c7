/** Two units at most: `1h 5m`, `42s`, `120 ms`. */
export function time(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return '–';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** How long ago, by the server's clock. */
export function ago(at: number, now: number): string {
  const past = now - at;
  return past < 1_000
    ? 'just now'
    : `${time(past < 10_000 ? Math.round(past / 1_000) * 1_000 : past).replace('.0', '')} ago`;
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 task`, `3 tasks`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function bytes(value: number): string {
  return value < 2 ** 20 ? `${Math.round(value / 2 ** 10)} KiB` : `${Math.round(value / 2 ** 20)} MiB`;
}

/** In this machine's time zone: `14:03:09`, with the day unless it is today. */
export function clock(at: number | string): string {
  const date = new Date(at);
  const day = date.toDateString() === new Date().toDateString() ? '' : `${date.toISOString().slice(0, 10)} `;
  return `${day}${date.toTimeString().slice(0, 8)}`;
}

/** The text, cut to a width with an ellipsis. */
export function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** As JSON on one line, without the brackets of the list of arguments. */
export function argsText(args: readonly unknown[]): string {
  return args.map((value) => JSON.stringify(value)).join(', ');
}
