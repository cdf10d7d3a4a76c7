import { ConfigurationError, type Lovage, type Signature } from '@lovage/core';
import { ConnectorHost } from '@lovage/core/connector';
import { Source } from './source/source.ts';
import { readSourceOptions, type SourceOptions } from './source/source-options.ts';
import type { SourceSystem } from './source/source-system.ts';

/** The connectors of an app. They do nothing until {@link Connect.start}. */
export class Connect {
  readonly app: Lovage;
  readonly #host: ConnectorHost;
  readonly #sources = new Map<string, Source>();
  #forget: (() => void) | undefined;

  constructor(app: Lovage) {
    this.app = app;
    this.#host = new ConnectorHost(app);
  }

  /** The declared sources, by name. */
  get sources(): ReadonlyMap<string, Source> {
    return this.#sources;
  }

  /**
   * Declares that each record of a system becomes one task, under an id made of the source's name, the partition and the position.
   * Throws {@link ConfigurationError} for options that cannot be, and for a name that is taken.
   */
  source<Args extends readonly unknown[], Value = unknown>(
    system: SourceSystem,
    task: Signature<Args, unknown>,
    options: SourceOptions<Args, Value> = {},
  ): Source {
    const read = readSourceOptions(options as SourceOptions, system.name);
    if (this.#sources.has(read.name)) {
      throw new ConfigurationError(`source "${read.name}" is there already: give one of them another \`name\``);
    }
    const source = new Source(system, this.#host.target(task), read, this.#host);
    this.#sources.set(source.name, source);
    return source;
  }

  /** Reads all sources; resolves when each is connected. Systems that cannot be reached are tried again until {@link Connect.close}. */
  async start(): Promise<void> {
    this.#forget ??= this.#host.onClose(() => this.close());
    await Promise.all([...this.#sources.values()].map((source) => source.start()));
  }

  /** Stops reading; what was not accepted is delivered again. The app stays open. */
  async close(): Promise<void> {
    this.#forget?.();
    await Promise.all([...this.#sources.values()].map((source) => source.close()));
  }
}
