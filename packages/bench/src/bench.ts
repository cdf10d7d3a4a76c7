import type { Round } from './measure.ts';
import type { RedisServer } from './redis-server.ts';

/** How much is measured. */
export interface Load {
  readonly rounds: number;
  /** Factor on the number of tasks, calls and seconds. */
  readonly scale: number;
}

export const loads: Readonly<Record<'full' | 'quick' | 'tiny', Load>> = {
  /** What counts. */
  full: { rounds: 5, scale: 1 },
  /** A first impression. */
  quick: { rounds: 2, scale: 0.2 },
  /** Whether it works at all; for the smoke test. */
  tiny: { rounds: 1, scale: 0.01 },
};

/** What a bench is given. */
export interface BenchContext {
  readonly load: Load;
  readonly redis: RedisServer;
  /** Tells the person who waits. */
  say(line: string): void;
}

/** What a bench found: its rounds, and why some peers are not in them. */
export interface BenchResult {
  readonly rounds: readonly Round[];
  /** Reasons by figure name: `celery whole trip` → `Celery is not installed`. */
  readonly missing?: Readonly<Record<string, string>>;
}

export type Bench = (context: BenchContext) => Promise<BenchResult>;

/** A number of tasks under this load: at least `least`. */
export function scaled({ scale }: Load, full: number, least: number): number {
  return Math.max(least, Math.round(full * scale));
}
