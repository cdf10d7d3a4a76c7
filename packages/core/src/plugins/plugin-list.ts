import { ConfigurationError } from '../errors.ts';
import type { LogFields, Logger } from '../logger.ts';
import type { JsonValue } from '../message/json.ts';
import { type OptionTable, type Reader, readOptions, text } from '../options/option-reader.ts';
import type { BeforePublish, CallOptions } from '../producer/call-options.ts';
import { isTaskOption } from '../task/task-options.ts';
import type { OutgoingCall, Plugin, PluginHooks } from './plugin.ts';

/** Every hook by name, so that a mistyped one is found where the plugin is given. */
const hookNames: Readonly<Record<keyof PluginHooks, true>> = {
  beforeTaskPublish: true,
  afterTaskPublish: true,
  taskPublishFailed: true,
  taskPrerun: true,
  taskPostrun: true,
  taskSuccess: true,
  taskFailure: true,
  taskRetry: true,
  taskRevoked: true,
  taskRejected: true,
  taskUnknown: true,
  workerInit: true,
  workerReady: true,
  workerShuttingDown: true,
  workerShutdown: true,
  beatInit: true,
};

/** What one hook is called with. */
export type HookInput<Name extends keyof PluginHooks> = Parameters<NonNullable<PluginHooks[Name]>>[0];

/** A plugin that wraps runs. */
export type RunPlugin = Plugin & Required<Pick<Plugin, 'run'>>;

/** A plugin that stands around batches. */
export type BatchPlugin = Plugin & Required<Pick<Plugin, 'batch'>>;

/** The plugins of one app, checked. */
export class PluginList {
  readonly #plugins: readonly Plugin[];
  readonly #logger: Logger;
  /** Whether a handler's run concerns a plugin. */
  readonly wrapsRuns: boolean;
  readonly #hooked: ReadonlySet<keyof PluginHooks>;
  /** Those that wrap runs, the outermost first. */
  readonly wrappers: readonly RunPlugin[];
  /** Those that stand around batches, the outermost first. */
  readonly batchWrappers: readonly BatchPlugin[];
  /** The options that plugins bring for tasks. */
  readonly taskOptions: OptionTable;

  /** Throws {@link ConfigurationError} for a plugin that has no name, a name twice, or fields that no plugin has. */
  constructor(given: readonly Plugin[], logger: Logger, where: string) {
    this.#plugins = checkPlugins(given, where);
    this.#logger = logger;
    this.#hooked = new Set(given.flatMap(({ on }) => Object.keys(on ?? {}) as (keyof PluginHooks)[])); // checked above
    this.wrappers = given.filter((plugin): plugin is RunPlugin => plugin.run !== undefined);
    this.batchWrappers = given.filter((plugin): plugin is BatchPlugin => plugin.batch !== undefined);
    this.wrapsRuns = this.wrappers.length > 0 || this.observes('taskPrerun', 'taskPostrun');
    this.taskOptions = collectTaskOptions(given, where);
  }

  /** Whether a plugin observes one of these. */
  observes(...names: readonly (keyof PluginHooks)[]): boolean {
    return names.some((name) => this.#hooked.has(name));
  }

  /** The names of the plugins, in order. */
  get names(): readonly string[] {
    return this.#plugins.map(({ name }) => name);
  }

  /** Passes a call through every plugin's `publish`. Throws what they throw; undefined: nothing to pass it through. */
  get beforePublish(): BeforePublish | undefined {
    if (!this.#plugins.some(({ publish }) => publish) && !this.observes('beforeTaskPublish')) return undefined;
    return (task, args, given) => this.#beforePublish(task, args, given);
  }

  #beforePublish(task: string, args: readonly unknown[], given: CallOptions | undefined): CallOptions | undefined {
    const { headers, stamps, ...rest } = given ?? {};
    let options: CallOptions = rest;
    const fields = { headers: { ...headers }, stamps: { ...stamps } };
    const call: OutgoingCall = {
      task,
      args,
      ...fields,
      get options() {
        return options;
      },
      set: (more) => {
        options = { ...options, ...more };
      },
    };
    for (const { name, publish } of this.#plugins) assertSynchronous(publish?.(call), name);
    this.emit('beforeTaskPublish', call);
    return { ...options, ...filled('headers', fields.headers), ...filled('stamps', fields.stamps) };
  }

  /** The logger, with the fields that plugins bring for each of its lines. The same logger where none does. */
  addLogFields(logger: Logger): Logger {
    return withPluginFields(logger, this.#plugins);
  }

  /** Calls the hook of every plugin that has it; what they throw is logged. Never throws. */
  emit<Name extends keyof PluginHooks>(name: Name, input: HookInput<Name>): void {
    if (this.#hooked.has(name)) void this.emitAndWait(name, input);
  }

  /** As {@link PluginList.emit}; resolves when what the hooks returned has settled, and never rejects. */
  async emitAndWait<Name extends keyof PluginHooks>(name: Name, input: HookInput<Name>): Promise<void> {
    const pending = this.#plugins.map((plugin) => this.#call(plugin, name, input));
    await Promise.all(pending);
  }

  async #call<Name extends keyof PluginHooks>(plugin: Plugin, name: Name, input: HookInput<Name>): Promise<void> {
    const hook = plugin.on?.[name] as ((input: HookInput<Name>) => unknown) | undefined; // one hook, one input
    if (hook === undefined) return;
    try {
      await hook.call(plugin.on, input);
    } catch (error) {
      this.report(plugin.name, `hook ${name}`, error);
    }
  }

  /** Logs what a plugin threw where it cannot change anything. */
  report(plugin: string, what: string, error: unknown): void {
    this.#logger.error(`${what} of plugin "${plugin}" failed`, { error });
  }
}

function withPluginFields(logger: Logger, plugins: readonly Plugin[]): Logger {
  const sources = plugins.flatMap((plugin) => (plugin.logFields ? [plugin.logFields.bind(plugin)] : []));
  if (sources.length === 0) return logger;
  const wrap = (inner: Logger, bound: LogFields): Logger => {
    const add = (fields: LogFields | undefined): LogFields => {
      const taskId = fields?.['taskId'] ?? bound['taskId'];
      const line = typeof taskId === 'string' ? { taskId } : {};
      return Object.assign({}, ...sources.map((source) => tried(() => source(line))), fields);
    };
    return {
      debug: (message, fields) => inner.debug(message, add(fields)),
      info: (message, fields) => inner.info(message, add(fields)),
      warn: (message, fields) => inner.warn(message, add(fields)),
      error: (message, fields) => inner.error(message, add(fields)),
      child: (fields) => wrap(inner.child(fields), { ...bound, ...fields }),
      ...(inner.debugEnabled === undefined ? {} : { debugEnabled: inner.debugEnabled }),
    };
  };
  return wrap(logger, {});
}

function tried<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined; // a line is never lost for what would decorate it
  }
}

function filled(name: 'headers' | 'stamps', fields: Readonly<Record<string, JsonValue>>): CallOptions {
  return Object.keys(fields).length > 0 ? { [name]: fields } : {};
}

function assertSynchronous(returned: unknown, plugin: string): void {
  if (!(returned instanceof Promise)) return;
  returned.catch(() => undefined); // the call is refused below
  throw new ConfigurationError(`plugin "${plugin}": publish returned a promise, and must be synchronous`);
}

const method: Reader<unknown> = (value, where) => {
  if (typeof value === 'function') return value;
  throw new ConfigurationError(`${where}: expected a function`);
};

const methods = (names: readonly string[]): OptionTable => Object.fromEntries(names.map((name) => [name, method]));

const hooks: Reader<unknown> = (value, where) =>
  readOptions(objectOf(value, where), methods(Object.keys(hookNames)), where);

const readers: Reader<unknown> = (value, where) => {
  const given = objectOf(value, where);
  return readOptions(given, methods(Object.keys(given)), where);
};

const table = {
  name: text,
  publish: method,
  run: method,
  batch: method,
  logFields: method,
  on: hooks,
  taskOptions: readers,
};

function checkPlugins(given: readonly Plugin[], where: string): readonly Plugin[] {
  if (!Array.isArray(given)) throw new ConfigurationError(`${where}: option plugins: expected a list of plugins`);
  const seen = new Set<string>();
  given.forEach((plugin: unknown, index) => {
    const at = `${where}: plugins[${index}]`;
    const { name } = readOptions(objectOf(plugin, at), { ...ownMethods(plugin), ...table }, at);
    if (name === undefined) throw new ConfigurationError(`${at}: the field name is missing`);
    if (seen.has(name)) throw new ConfigurationError(`${at}: there are two plugins named "${name}"`);
    seen.add(name);
  });
  return given;
}

/** A plugin made by a class has fields of its own; in a literal, an unknown field is a typing mistake. */
function ownMethods(plugin: unknown): OptionTable {
  const isLiteral = Object.getPrototypeOf(plugin) === Object.prototype;
  return isLiteral ? {} : Object.fromEntries(Object.keys(plugin as object).map((key) => [key, (value) => value]));
}

function objectOf(value: unknown, where: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new ConfigurationError(`${where}: expected an object`);
}

function collectTaskOptions(plugins: readonly Plugin[], where: string): OptionTable {
  const all: Record<string, Reader<unknown>> = {};
  for (const { name, taskOptions = {} } of plugins) {
    for (const [option, reader] of Object.entries(taskOptions)) {
      if (isTaskOption(option) || Object.hasOwn(all, option)) {
        throw new ConfigurationError(`${where}: plugin "${name}": there is a task option "${option}" already`);
      }
      all[option] = reader;
    }
  }
  return all;
}
