import { type ChildProcess, fork } from 'node:child_process';
import { Worker as Thread } from 'node:worker_threads';
import { findProgram } from '../program-file.ts';
import { type ChildSetup, type FromChild, openEnvelope, type ToChild } from './child-message.ts';
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

const programFile = {
  what: 'a child of the pool',
  option: 'poolChild',
  entry: 'a module that calls runPoolChild(app) of lovage/pool-child',
  file: 'worker/pool/child-main.js',
  otherwise: "; or use pool: 'async'",
} as const;

/** Options of children. */
export interface ChildOptions {
  readonly setup: ChildSetup;
  /** URL of its program. @default beside this package's files */
  readonly program?: string | URL | undefined;
  /** Heap limit of a thread or process in MiB. */
  readonly heapLimit: number | undefined;
}

/** Starts a child of a kind. */
export function startChild(kind: Exclude<PoolKind, 'async'>, options: ChildOptions, events: ChildEvents): Child {
  return kind === 'threads' ? startThread(options, events) : startProcess(options, events);
}

function startThread({ setup, heapLimit, program }: ChildOptions, events: ChildEvents): Child {
  const thread = new Thread(findProgram(programFile, program), {
    workerData: setup,
    execArgv: [],
    ...(heapLimit === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapLimit } }),
  });
  let lastError = '';
  thread.on('message', (sent: unknown) => receive(setup, sent, events));
  thread.on('error', (error: Error) => {
    lastError = `: ${error.message}`;
  });
  thread.on('exit', (code) => events.onExit(`the thread ended with code ${code}${lastError}`));
  return {
    send: (message) => thread.postMessage(message),
    kill: async () => void (await thread.terminate()),
  };
}

function startProcess({ setup, heapLimit, program }: ChildOptions, events: ChildEvents): Child {
  const child = fork(findProgram(programFile, program), [JSON.stringify(setup)], {
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
  child.on('message', (sent) => receive(setup, sent, events));
  return { send: (message) => sendTo(child, message), kill: () => killProcess(child, exited) };
}

/** What a handler sends by itself is not for us. */
function receive({ nonce }: ChildSetup, sent: unknown, events: ChildEvents): void {
  const message = openEnvelope(nonce, sent);
  if (message) events.onMessage(message);
}

function sendTo(child: ChildProcess, message: ToChild): void {
  if (child.connected) child.send(message, () => {}); // a child that is gone says so by its exit
}

function killProcess(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGKILL');
  return exited;
}
