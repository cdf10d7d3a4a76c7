import { asCall } from '../canvas/as-call.ts';
import type { SignatureSender } from '../canvas/signature.ts';
import { ResultTimeoutError } from '../errors.ts';
import { timeCall } from '../producer/call-deadline.ts';
import type { CallOptions } from '../producer/call-options.ts';
import type { AsyncResult, GetOptions } from '../results/async-result.ts';
import type { TaskDefinition } from '../task/task.ts';
import type { AppRuntime } from './app-runtime.ts';
import { explainWait } from './explain-wait.ts';
import type { TaskSender } from './task-handle.ts';

/** How the tasks and canvases of an app send themselves. */
export function createTaskSender(runtime: AppRuntime): TaskSender {
  const { producer } = runtime;
  return {
    send: (definition, args, options) => producer.send(definition, args, options),
    sendMany: (definition, list, options) => producer.sendMany(definition, list, options),
    callTask: (definition, args, options) => call(runtime, { definition, args }, options),
    canvas: createCanvasSender(runtime),
  };
}

/** One call of one task goes the short way; what has callbacks or is made of several is a canvas. */
function createCanvasSender(runtime: AppRuntime): SignatureSender {
  const { producer, canvas: sender, clock } = runtime;
  const definitionOf = (task: string) => sender.definitionOf(task);
  const own: SignatureSender = {
    definitionOf,
    send: (canvas, args, options) => {
      const plain = asCall(canvas, args, options);
      if (plain === undefined) return sender.send(canvas, args, options);
      return producer.send(plain.definition ?? definitionOf(plain.task), plain.args, plain.options);
    },
    call: async (canvas, args, options) => {
      const plain = asCall(canvas, args, options);
      if (plain) {
        const definition = plain.definition ?? definitionOf(plain.task);
        return call(runtime, { definition, args: plain.args }, plain.options);
      }
      options.signal?.throwIfAborted(); // nothing is sent then, as by a call of one task
      const timed = timeCall(options, clock);
      const result = await sender.send(canvas, args, timed.options);
      return result.get(timed.wait).catch((error: unknown) => explained(runtime, error));
    },
  };
  sender.use(own);
  return own;
}

interface Called {
  readonly definition: TaskDefinition;
  readonly args: readonly unknown[];
}

/** The wait begins before the call is sent, so that its ring cannot be missed. */
async function call(
  runtime: AppRuntime,
  { definition, args }: Called,
  given: CallOptions & GetOptions = {},
): Promise<unknown> {
  const { producer, results, clock } = runtime;
  const { options, wait } = timeCall(given, clock);
  if (options.ignoreResult ?? definition.options.ignoreResult) {
    await producer.send(definition, args, options);
    return undefined;
  }
  await results.inbox.ready(); // so that its ring cannot be missed
  let waiting: ReturnType<AsyncResult['startWait']> | undefined;
  try {
    const result = await producer.send(definition, args, options, (prepared) => {
      waiting = prepared.startWait(wait);
      waiting.record.catch(() => {}); // awaited below; a publish that fails throws its own error first
    });
    const record = (waiting as NonNullable<typeof waiting>).record;
    return await result.valueOf(await record.catch((error: unknown) => explained(runtime, error)));
  } finally {
    waiting?.cancel();
  }
}

/** A call that was not answered in time says what its task waits for, as far as that can be found out soon. */
async function explained(runtime: AppRuntime, error: unknown): Promise<never> {
  if (!(error instanceof ResultTimeoutError) || error.taskId === undefined) throw error;
  const why = await explainWait(runtime, error.taskId);
  throw why === undefined ? error : error.because(why);
}
