import type { TaskContext } from '../task/task-context.ts';
import type { RunHost, RunHostOptions } from './run-host.ts';
import type { WorkflowCode } from './workflow-code.ts';

/** Loads the engine of runs with the first run: 19 modules, a fifth of what `import 'lovage'` takes, and most processes only send tasks. */
export class LateHost {
  readonly #options: RunHostOptions;
  readonly #draining: string[] = [];
  #loading: Promise<RunHost> | undefined;
  #host: RunHost | undefined;

  constructor(options: RunHostOptions) {
    this.#options = options;
  }

  /** See {@link RunHost.handlerOf}. */
  handlerOf(code: WorkflowCode): (self: TaskContext, input: unknown) => Promise<never> {
    return async (self, input) => (this.#host ?? (await this.load())).handlerOf(code)(self, input);
  }

  /** A worker does so before it takes runs; in a process that a workflow was defined in later, the first run does. */
  load(): Promise<RunHost> {
    this.#loading ??= import('./run-host.ts').then(({ RunHost: Host }) => {
      const host = new Host(this.#options);
      for (const worker of this.#draining) host.drain(worker);
      this.#host = host;
      return host;
    });
    return this.#loading;
  }

  /** See {@link RunHost.drain}. */
  drain(worker: string): void {
    this.#draining.push(worker);
    this.#host?.drain(worker);
  }

  /** See {@link RunHost.close}. */
  async close(): Promise<void> {
    const host = await this.#loading?.catch(() => undefined);
    await host?.close();
  }
}
