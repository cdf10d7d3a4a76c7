import type { ChildProcess } from 'node:child_process';

const alive = new Set<ChildProcess>();
process.once('exit', endChildren);

/** Remembers a child until it ends: none outlives this process. */
export function keepChild(child: ChildProcess): void {
  alive.add(child);
  child.once('exit', () => alive.delete(child));
}

/** Kills every child there is. */
export function endChildren(): void {
  for (const child of alive) child.kill('SIGKILL');
}
