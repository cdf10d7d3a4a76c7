import type { OutgoingCall, Plugin, PluginHooks, PublishedTask, TaskInfo, TaskRun } from '@lovage/core';
import {
  type Attributes,
  type Context,
  context,
  type Link,
  type Meter,
  type MeterProvider,
  metrics,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { getter, setter } from './carrier.ts';
import { attribute, durationBuckets, metric } from './names.ts';
import { Recent } from './recent.ts';

/** Options of {@link openTelemetry}. */
export interface OpenTelemetryOptions {
  /** @default the global one, as it is when the first task is sent or run */
  readonly tracerProvider?: TracerProvider;
  /** @default the global one */
  readonly meterProvider?: MeterProvider;
  /** `messaging.system.name`: what carries the messages. @default 'redis' */
  readonly system?: string;
  /**
   * How the span of a run belongs to the span that sent it. `parent`: as its child. `link`: a trace of its own with a link.
   * `auto`: a child where the task runs at once; a link where it was delayed or is a retry, so that a trace does not last for
   * days. @default 'auto'
   */
  readonly runs?: 'auto' | 'parent' | 'link';
}

/** Calls that are on their way to the broker, and runs that have just ended: so many are remembered. */
const mostOpen = 10_000;
const mostEnded = 1_000;

interface Sending {
  readonly span: Span;
  readonly began: number;
}

/**
 * Spans, metrics and log fields by OpenTelemetry's semantic conventions (1.45, none of them stable): a `send` span for each
 * call, a `process` span for each run, W3C trace context in the headers of messages. It costs what the SDK behind the API
 * costs; without an SDK, spans are no-ops.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Plugin {
  return new Telemetry(options);
}

class Telemetry implements Plugin {
  readonly name = 'opentelemetry';
  readonly #options: OpenTelemetryOptions;
  readonly #sending = new Recent<Sending>(mostOpen);
  readonly #ended = new Recent<SpanContext>(mostEnded);
  #tracerOnce: Tracer | undefined;
  #instrumentsOnce: Instruments | undefined;

  constructor(options: OpenTelemetryOptions) {
    this.#options = options;
  }

  readonly publish = (call: OutgoingCall): void => {
    const span = this.#tracer.startSpan(`send ${call.task}`, {
      kind: SpanKind.PRODUCER,
      attributes: { ...this.#common('send'), [attribute.task]: call.task },
    });
    const carried: Record<string, string> = {};
    propagation.inject(trace.setSpan(context.active(), span), carried, setter);
    Object.assign(call.headers, carried);
    const key = carried['traceparent'];
    if (key === undefined) span.end();
    else this.#sending.set(key, { span, began: performance.now() });
  };

  readonly run = async (run: TaskRun, next: () => Promise<unknown>): Promise<unknown> => {
    const sent = propagation.extract(ROOT_CONTEXT, run.headers, getter);
    const span = this.#startRun(run, sent);
    const began = performance.now();
    try {
      const value = await context.with(trace.setSpan(this.#contextOfRun(run, sent), span), next);
      this.#endRun(run, { span, began });
      return value;
    } catch (error) {
      this.#endRun(run, { span, began, error });
      throw error;
    }
  };

  readonly batch = async (runs: readonly TaskInfo[], next: () => Promise<void>): Promise<void> => {
    const [first] = runs;
    if (first === undefined) return next();
    const links = runs.flatMap((run) => linkTo(propagation.extract(ROOT_CONTEXT, run.headers, getter)));
    const span = this.#tracer.startSpan(
      `process ${first.task}`,
      {
        kind: SpanKind.CONSUMER,
        links,
        attributes: {
          ...this.#common('process'),
          [attribute.destination]: first.queue,
          [attribute.task]: first.task,
          [attribute.batchCount]: runs.length,
          [attribute.client]: first.worker,
        },
      },
      ROOT_CONTEXT,
    );
    for (const { id } of runs) this.#ended.set(id, span.spanContext());
    const began = performance.now();
    try {
      await context.with(trace.setSpan(ROOT_CONTEXT, span), next);
    } finally {
      this.#processed(first, began, runs.length);
      span.end();
    }
  };

  readonly logFields = ({ taskId }: { readonly taskId?: string }): Readonly<Record<string, unknown>> | undefined => {
    const active = trace.getActiveSpan()?.spanContext();
    const found = active ?? (taskId === undefined ? undefined : this.#ended.get(taskId));
    return found && { trace_id: found.traceId, span_id: found.spanId };
  };

  readonly on: PluginHooks = {
    afterTaskPublish: (task) => this.#sent(task),
    taskPublishFailed: (task) => this.#sent(task, task.error),
  };

  get #tracer(): Tracer {
    this.#tracerOnce ??= (this.#options.tracerProvider ?? trace.getTracerProvider()).getTracer('@lovage/opentelemetry');
    return this.#tracerOnce;
  }

  get #instruments(): Instruments {
    this.#instrumentsOnce ??= createInstruments(
      (this.#options.meterProvider ?? metrics.getMeterProvider()).getMeter('@lovage/opentelemetry'),
    );
    return this.#instrumentsOnce;
  }

  #common(operation: 'send' | 'process'): Attributes {
    return {
      [attribute.system]: this.#options.system ?? 'redis',
      [attribute.operationName]: operation,
      [attribute.operationType]: operation,
    };
  }

  #sent({ id, task, queue, headers }: PublishedTask, error?: unknown): void {
    const key = headers['traceparent'];
    const sending = typeof key === 'string' ? this.#sending.take(key) : undefined;
    const labels = {
      ...this.#common('send'),
      [attribute.destination]: queue,
      [attribute.task]: task,
      ...(error === undefined ? {} : { [attribute.error]: nameOf(error) }),
    };
    this.#instruments.sent.add(1, labels);
    if (sending === undefined) return; // a retry, or a step that its worker sent on: the span of its call has ended
    this.#instruments.operation.record((performance.now() - sending.began) / 1_000, labels);
    sending.span.setAttributes({ [attribute.messageId]: id, [attribute.destination]: queue });
    if (error !== undefined) fail(sending.span, error);
    sending.span.end();
  }

  #startRun(run: TaskRun, sent: Context): Span {
    const parent = this.#contextOfRun(run, sent);
    return this.#tracer.startSpan(
      `process ${run.task}`,
      {
        kind: SpanKind.CONSUMER,
        links: parent === sent ? [] : linkTo(sent),
        attributes: {
          ...this.#common('process'),
          [attribute.destination]: run.queue,
          [attribute.task]: run.task,
          [attribute.attempt]: run.attempt,
          [attribute.messageId]: run.id,
          [attribute.conversation]: run.rootId,
          [attribute.client]: run.worker,
        },
      },
      parent,
    );
  }

  /** What the span of a run is a child of; baggage comes along in either case. */
  #contextOfRun({ attempt, eta }: TaskRun, sent: Context): Context {
    const { runs = 'auto' } = this.#options;
    if (runs === 'parent' || (runs === 'auto' && attempt === 1 && eta === undefined)) return sent;
    return trace.deleteSpan(sent);
  }

  #endRun(run: TaskRun, { span, began, error }: { span: Span; began: number; error?: unknown }): void {
    this.#ended.set(run.id, span.spanContext());
    const outcome = error === undefined ? 'success' : outcomeOf(error);
    span.setAttribute(attribute.outcome, outcome);
    if (outcome === 'failure') fail(span, error);
    this.#processed(run, began, 1, outcome === 'failure' ? error : undefined);
    span.end();
  }

  #processed({ task, queue }: TaskInfo, began: number, count: number, error?: unknown): void {
    const labels = {
      ...this.#common('process'),
      [attribute.destination]: queue,
      [attribute.task]: task,
      ...(error === undefined ? {} : { [attribute.error]: nameOf(error) }),
    };
    this.#instruments.consumed.add(count, labels);
    this.#instruments.process.record((performance.now() - began) / 1_000, labels);
  }
}

type Instruments = ReturnType<typeof createInstruments>;

function createInstruments(meter: Meter) {
  const seconds = { unit: 's', advice: { explicitBucketBoundaries: [...durationBuckets] } };
  return {
    sent: meter.createCounter(metric.sent, { unit: '{message}', description: 'Messages that were sent.' }),
    consumed: meter.createCounter(metric.consumed, {
      unit: '{message}',
      description: 'Messages whose handler has run.',
    }),
    operation: meter.createHistogram(metric.operation, {
      ...seconds,
      description: 'How long the broker took to accept.',
    }),
    process: meter.createHistogram(metric.process, { ...seconds, description: 'How long handlers ran.' }),
  };
}

function linkTo(sent: Context): Link[] {
  const span = trace.getSpanContext(sent);
  return span === undefined ? [] : [{ context: span }];
}

const outcomes: Readonly<Record<string, string>> = {
  Retry: 'retry',
  Ignore: 'ignored',
  Reject: 'rejected',
  Replace: 'replaced',
  Postpone: 'parked',
};

/** What is thrown to steer a task (`self.retry()`, `Ignore`, a workflow that parks, …) ends an attempt, and is no failure of it. */
function outcomeOf(error: unknown): string {
  const name = nameOf(error);
  if (name !== 'Concluded') return outcomes[name] ?? 'failure';
  return (error as { outcome: { state: string } }).outcome.state.toLowerCase(); // a workflow has ended by itself
}

function fail(span: Span, error: unknown): void {
  span.recordException(error instanceof Error ? error : String(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
  span.setAttribute(attribute.error, nameOf(error));
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
