import { ConfigurationError } from '../errors.ts';
import { type Duration, parseDuration, parseSize } from '../options/duration.ts';
import { type OptionTable, readOptions, text, wholeNumber } from '../options/option-reader.ts';
import {
  type Checked,
  createSchemaCodec,
  type MaybePromise,
  type Schema,
  type SchemaCodec,
} from '../options/schema.ts';
import { defineTask, type Handler, type TaskDefinition } from '../task/task.ts';
import type { TaskOptions } from '../task/task-options.ts';
import type { RunLimits } from './engine/engine-options.ts';
import type { WorkflowContext } from './workflow-context.ts';

/** The options of a workflow beside those of every task. */
export interface WorkflowOptions
  extends Omit<
    TaskOptions,
    | 'args'
    | 'returns'
    | 'bind'
    | 'pool'
    | 'timeLimit'
    | 'softTimeLimit'
    | 'ignoreResult'
    | 'acksLate'
    | 'autoretryFor'
    | 'dontAutoretryFor'
    | 'maxRetries'
    | 'defaultRetryDelay'
    | 'retryBackoff'
    | 'retryBackoffMax'
    | 'retryJitter'
  > {
  /** A schema of the input: checked before a run is started and again in the worker. @default none: JSON */
  readonly input?: Schema;
  /** A schema of the output. @default none: JSON */
  readonly output?: Schema;
  /** The version of the code. Runs keep the version they were started with; a worker without it hands them back. @default none */
  readonly version?: string;
  /** How long a run may take from its first start; then it is compensated and fails ({@link WorkflowTimeoutError}). @default none */
  readonly timeout?: Duration;
  /** Waits that are longer are spent in the broker, without a slot. @default '2s' */
  readonly parkAfter?: Duration;
  /** Outcomes in the log of a run at most; a warning at half of them. @default 10000 */
  readonly maxEntries?: number;
  /** What the outcomes of a run may hold in all. @default '16MiB' */
  readonly maxLog?: number | string;
}

/** The function of a workflow. */
export type WorkflowFunction<Input = unknown, Output = unknown> = (
  w: WorkflowContext,
  input: Input,
) => Output | Promise<Output>;

/** A workflow as an app knows it. */
export interface WorkflowCode {
  readonly name: string;
  readonly version: string | undefined;
  readonly run: WorkflowFunction;
  readonly limits: Omit<RunLimits, 'maxResult'>;
}

const table = {
  timeout: parseDuration,
  parkAfter: parseDuration,
  maxEntries: wholeNumber(2, 1_000_000),
  maxLog: parseSize,
};
const own: ReadonlySet<string> = new Set([...Object.keys(table), 'input', 'output']);
const refused = [
  'args',
  'returns',
  'bind',
  'pool',
  'timeLimit',
  'softTimeLimit',
  'ignoreResult',
  'acksLate',
  'maxRetries',
  'autoretryFor',
];

/** Runs a workflow as the handler of its task. */
export type RunWorkflow = (code: WorkflowCode) => Handler;

/** The definition of a workflow: a task whose handler carries a run. Throws {@link ConfigurationError}. */
export function defineWorkflow(
  given: WorkflowOptions,
  run: WorkflowFunction,
  { handler, plugins }: { readonly handler: RunWorkflow; readonly plugins: OptionTable },
): TaskDefinition {
  const where = `workflow ${JSON.stringify((given as Partial<WorkflowOptions> | null)?.name ?? '')}`;
  if (typeof given !== 'object' || given === null || typeof given.name !== 'string')
    throw new ConfigurationError('app.workflow(options, fn): the options are an object with a name');
  if (typeof run !== 'function')
    throw new ConfigurationError(`${where}: app.workflow(options, fn): fn is a function of w and the input`);
  for (const name of refused) {
    if (name in given)
      throw new ConfigurationError(`${where}: a workflow has no option ${name}: give it to w.step or w.call`);
  }
  const entries = Object.entries(given);
  const limits = readOptions(Object.fromEntries(entries.filter(([key]) => key in table)), table, where);
  const taskOptions = Object.fromEntries(entries.filter(([key]) => !own.has(key))) as unknown as TaskOptions;
  const { timeout, parkAfter = 2_000, maxEntries = 10_000, maxLog = 16 * 2 ** 20 } = limits;
  const version = given.version === undefined ? undefined : text(given.version, `${where}: option version`);
  const code: WorkflowCode = { name: given.name, version, run, limits: { timeout, parkAfter, maxEntries, maxLog } };
  const definition = defineTask({ ...taskOptions, bind: true, pool: 'async' }, handler(code), plugins);
  return {
    ...definition,
    payload: {
      name: given.name,
      args: given.input && inputCodec(schemaOf(given.input, `${where}: option input`)),
      returns: given.output && createSchemaCodec(schemaOf(given.output, `${where}: option output`)),
    },
  };
}

function schemaOf(schema: Schema, where: string): Schema {
  if (typeof schema?.['~standard']?.validate === 'function') return schema;
  throw new ConfigurationError(`${where}: expected a zod schema, or another Standard Schema`);
}

/** A workflow takes one argument, the input. */
function inputCodec(schema: Schema): SchemaCodec {
  const codec = createSchemaCodec(schema);
  const one = (work: (value: unknown) => MaybePromise<Checked>) => (args: unknown) => {
    const [input, ...rest] = args as readonly unknown[];
    if (rest.length > 0)
      return { ok: false, issues: [{ path: '[1]', message: 'a workflow takes one input' }] } as const;
    const checked = work(input);
    return checked instanceof Promise ? checked.then(listed) : listed(checked);
  };
  return { encode: one((value) => codec.encode(value)), decode: one((value) => codec.decode(value)) };
}

function listed(checked: Checked): Checked {
  if (checked.ok) return { ok: true, value: [checked.value] };
  return {
    ok: false,
    issues: checked.issues.map(({ path, message }) => ({ path: path === '' ? 'input' : `input.${path}`, message })),
  };
}
