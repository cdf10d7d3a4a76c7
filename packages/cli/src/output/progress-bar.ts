import { paint, printable } from './paint.ts';
import { oneLine } from './print.ts';

const width = 30;

/**
 * What a task says of its progress, as a share: a number up to 1 is one, up to 100 a percentage; of an object `done` (or `current`,
 * `completed`) is held against `total`. undefined for anything else.
 */
export function shareOf(progress: unknown): number | undefined {
  if (typeof progress === 'number')
    return progress >= 0 && progress <= 100 ? (progress <= 1 ? progress : progress / 100) : undefined;
  if (typeof progress !== 'object' || progress === null) return undefined;
  const { done, current, completed, of, total = of } = progress as Readonly<Record<string, unknown>>;
  const share = Number(done ?? current ?? completed) / Number(total);
  return share >= 0 && share <= 1 ? share : undefined;
}

/** One line: a bar where the progress is a share, and what was said. */
export function formatProgress(progress: unknown): string {
  const share = shareOf(progress);
  const text = typeof progress === 'string' ? progress : typeof progress === 'number' ? '' : JSON.stringify(progress);
  const said = oneLine(text ?? '').slice(0, 100);
  if (share === undefined) return said === '' ? String(progress) : said;
  const full = Math.round(share * width);
  return `${paint('green', '█'.repeat(full))}${'░'.repeat(width - full)} ${String(Math.round(share * 100)).padStart(3)} %${said === '' ? '' : `  ${said}`}`;
}

/** Progress on stderr: on a terminal one line that changes, else a line each. */
export function createProgressLine(): { show(progress: unknown): void; end(): void } {
  let open = false;
  return {
    show(progress) {
      const text = formatProgress(progress);
      const shown = printable(text);
      process.stderr.write(process.stderr.isTTY ? `\r\u001b[2K${shown}` : `${shown}\n`);
      open = process.stderr.isTTY;
    },
    end() {
      if (open) process.stderr.write('\n');
      open = false;
    },
  };
}
