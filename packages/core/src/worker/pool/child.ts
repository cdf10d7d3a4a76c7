import { type ChildProcess, fork } from 'node:child_process';
import { Worker as Thread } from 'node:worker_threads';
import type { ChildSetup, FromChild, ToChild } from './child-message.ts';
import type { PoolKind } from './pool.ts';

/** A thread or process that runs one handler at a time. */
export interface Child {
  send(message: ToChild): void;
  /** Ends it hard; resolves when it is gone. */
  kill(): Promise<void>;
}

/** What a child tells. */
export interface ChildEvents {
  onMessage(message: FromChild): void;
  /** It is gone; `why` for people. */
  onExit(why: string): void;
}

/** The program of every child. It stands beside this file, compiled: children load no TypeScript of ours. */
const program = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/worker/pool/child-main.js' : './child-main.js',
  import.meta.url,
);

/** Options of children. */
export interface ChildOptions {
  readonly setup: ChildSetup;
  /** Heap limit of a thread or process in MiB. */
  readonly heapLimit: number | undefined;
}

/** Starts a child of a kind. */
export function startChild(kind: Exclude<PoolKind, 'async'>, options: ChildOptions, events: ChildEvents): Child {
  return kind === 'threads' ? startThread(options, events) : startProcess(options, events);
}

function startThread({ setup, heapLimit }: ChildOptions, events: ChildEvents): Child {
  const thread = new Thread(program, {
    workerData: setup,
    execArgv: [],
    ...(heapLimit === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapLimit } }),
  });
  let trouble = '';
  thread.on('message', (message: FromChild) => events.onMessage(message));
  thread.on('error', (error: Error) => {
    trouble = `: ${error.message}`;
  });
  thread.on('exit', (code) => events.onExit(`the thread ended with code ${code}${trouble}`));
  return {
    send: (message) => thread.postMessage(message),
    kill: async () => void (await thread.terminate()),
  };
}

function startProcess({ setup, heapLimit }: ChildOptions, events: ChildEvents): Child {
  const child = fork(program, [JSON.stringify(setup)], {
    execArgv: heapLimit === undefined ? [] : [`--max-old-space-size=${heapLimit}`],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve();
      events.onExit(signal ? `the process was ended by ${signal}` : `the process ended with code ${code}`);
    });
    child.once('error', (error) => {
      resolve();
      events.onExit(`the process could not be started: ${error.message}`);
    });
  });
  child.on('message', (message) => events.onMessage(message as FromChild));
  return { send: (message) => sendTo(child, message), kill: () => killProcess(child, exited) };
}

function sendTo(child: ChildProcess, message: ToChild): void {
  if (child.connected) child.send(message, () => {}); // a child that is gone says so by its exit
}

function killProcess(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGKILL');
  return exited;
}
