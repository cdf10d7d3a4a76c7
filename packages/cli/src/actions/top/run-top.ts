import { emitKeypressEvents } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lovage } from '@lovage/core';
import { Inspector, taskStats } from '@lovage/core/inspect';
import { textSetting } from '../../app/open-app.ts';
import type { GlobalArguments } from '../../command.ts';
import type { ExitCode } from '../../exit-code.ts';
import { readDuration } from '../../options/read-duration.ts';
import { printable } from '../../output/paint.ts';
import { describeError, printData, printJson } from '../../output/print.ts';
import { redact } from '../../output/redact.ts';
import { withApp } from '../with-app.ts';
import { renderTop, rowsOf, sections, type TopChoice, type TopFacts } from './top-view.ts';

/** What `lovage top` was given. */
export interface TopArguments extends GlobalArguments {
  readonly interval?: string;
}

const usualInterval = 2_000;
const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';

/** Shows a system on a full screen until `q`; one look as text where there is no terminal. */
export function runTop(given: TopArguments): Promise<ExitCode> {
  const interval = readDuration(given.interval, '--interval') ?? usualInterval;
  return withApp(given, async ({ app, settings }) => {
    const look = createLook(app, redact(textSetting(settings, 'broker') ?? ''));
    if (given.json) printJson(await look());
    else if (!process.stdout.isTTY || !process.stdin.isTTY)
      printData(
        renderTop(await look(), { rows: 200, columns: 200 })
          .slice(0, -1)
          .join('\n'),
      );
    else await new TopScreen(app, look).run(interval);
    return 0;
  });
}

function createLook(app: Lovage, broker: string): () => Promise<TopFacts> {
  const inspector = new Inspector(app);
  return async () => {
    const [{ workers, queues }, tasks] = await Promise.all([inspector.status(), taskStats(app)]);
    const sorted = [...queues].sort((a, b) => a.queue.localeCompare(b.queue));
    const ages = await inspector.oldest(sorted.map(({ queue }) => queue));
    return {
      broker,
      at: Date.now(),
      workers,
      tasks,
      queues: sorted.map((counts, index) => ({ ...counts, oldest: ages[index] })),
    };
  };
}

/** A key, as Node's readline tells it. */
interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
}

/** The screen with its keys. */
class TopScreen {
  readonly #app: Lovage;
  readonly #look: () => Promise<TopFacts>;
  readonly #end = new AbortController();
  #facts: TopFacts | undefined;
  #choice: TopChoice = { section: 'queues', row: 0 };
  #note: string | undefined;
  /** What `y` does. */
  #asked: (() => Promise<string>) | undefined;

  constructor(app: Lovage, look: () => Promise<TopFacts>) {
    this.#app = app;
    this.#look = look;
  }

  async run(interval: number): Promise<void> {
    const { stdin, stdout } = process;
    const onKey = (_text: string, key: Key): void => void this.#press(key); // never rejects
    const onSignal = (): void => this.#end.abort();
    emitKeypressEvents(stdin);
    stdin.setRawMode(true);
    stdin.on('keypress', onKey);
    stdout.on('resize', this.#draw);
    process.once('SIGTERM', onSignal);
    stdout.write(enter);
    try {
      while (!this.#end.signal.aborted) {
        await this.#refresh();
        await sleep(interval, undefined, { signal: this.#end.signal }).catch(() => undefined); // it ends
      }
    } finally {
      stdout.write(leave);
      stdout.off('resize', this.#draw);
      stdin.off('keypress', onKey);
      stdin.setRawMode(false);
      stdin.pause();
      process.off('SIGTERM', onSignal);
    }
  }

  async #refresh(): Promise<void> {
    try {
      this.#facts = await this.#look();
    } catch (error) {
      this.#note = describeError(error);
    }
    this.#draw();
  }

  readonly #draw = (): void => {
    if (this.#facts === undefined || this.#end.signal.aborted) return;
    const { rows = 24, columns = 80 } = process.stdout;
    const note = this.#note === undefined ? {} : { note: this.#note };
    const lines = renderTop(this.#facts, { choice: this.#choice, ...note, rows, columns });
    process.stdout.write(`\u001b[H${lines.map((line) => `${printable(line)}\u001b[K`).join('\r\n')}\u001b[J`);
  };

  async #press({ name = '', ctrl = false }: Key): Promise<void> {
    if (name === 'q' || (ctrl && name === 'c')) return this.#end.abort();
    const asked = this.#asked;
    this.#asked = undefined;
    if (asked) await this.#answer(name === 'y' ? asked : async () => 'nothing was done');
    else if (name === 'tab' || name === 'right') this.#move(1);
    else if (name === 'left') this.#move(-1);
    else if (name === 'down' || name === 'up') this.#step(name === 'down' ? 1 : -1);
    else if (name === 'p' || name === 'd' || name === 'r') this.#ask(name);
    this.#draw();
  }

  #move(by: number): void {
    const next = (sections.indexOf(this.#choice.section) + by + sections.length) % sections.length;
    this.#choice = { section: sections[next] ?? 'queues', row: 0 };
    this.#note = undefined;
  }

  #step(by: number): void {
    const rows = this.#facts ? rowsOf(this.#facts, this.#choice.section).length : 0;
    this.#choice = { ...this.#choice, row: Math.max(0, Math.min(rows - 1, this.#choice.row + by)) };
  }

  /** What is done to tasks and workers is asked first. */
  #ask(key: 'p' | 'd' | 'r'): void {
    const { section, row } = this.#choice;
    const id = this.#facts && rowsOf(this.#facts, section)[row]?.id;
    const wanted = { p: 'queues', d: 'workers', r: 'running' } as const;
    if (id === undefined || section !== wanted[key]) {
      this.#note = `choose a row of the ${wanted[key]} first: tab, then the arrows`;
      return;
    }
    const paused = this.#facts?.queues.find(({ queue }) => queue === id)?.paused;
    const inspector = new Inspector(this.#app);
    const acts = {
      p: {
        text: `${paused ? 'resume' : 'pause'} queue ${id}`,
        run: () => (paused ? inspector.resumeQueue(id) : inspector.pauseQueue(id)),
      },
      d: { text: `drain and end worker ${id}`, run: () => this.#app.control.shutdown({ destination: [id] }) },
      r: { text: `revoke task ${id} and break it off`, run: () => this.#app.control.revoke([id], { terminate: true }) },
    };
    const { text, run } = acts[key];
    this.#note = `${text}? y/n`;
    this.#asked = async () => {
      await run();
      return `done: ${text}`;
    };
  }

  async #answer(act: () => Promise<string>): Promise<void> {
    try {
      this.#note = await act();
    } catch (error) {
      this.#note = describeError(error);
    }
    await this.#refresh();
  }
}
