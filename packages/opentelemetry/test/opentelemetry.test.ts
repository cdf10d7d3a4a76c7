import { type BatchItem, chord, type LogFields, type Logger, Lovage } from '@lovage/core';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { redisDriver } from '@lovage/redis';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type OpenTelemetryOptions, openTelemetry } from '../src/index.ts';

const spans = new InMemorySpanExporter();
const endings: (() => unknown)[] = [];
beforeEach(() => {
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).register();
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
  spans.reset();
  trace.disable();
  context.disable();
  propagation.disable();
});

function newApp(options?: OpenTelemetryOptions, logger?: Logger): Lovage {
  const app = new Lovage('shop', {
    broker: 'memory://',
    plugins: [openTelemetry(options)],
    ...(logger ? { logger } : { logLevel: 'silent' }),
  });
  endings.push(() => app.close());
  return app;
}

const named = (name: string): ReadableSpan[] => spans.getFinishedSpans().filter((span) => span.name === name);
const ended = (name: string, count = 1) =>
  until(() => named(name).length >= count, { timeout: 30_000, what: `${count} spans ${name}` });
const tracer = () => trace.getTracer('test');
const traceOf = (span: ReadableSpan | undefined) => span?.spanContext().traceId;
const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId;

it('a call, its run and what the handler does stand in one trace, named by the conventions', async () => {
  const app = newApp();
  const add = app.task('add', async (x: number, y: number) =>
    tracer().startActiveSpan('inside', (span) => {
      span.end();
      return x + y;
    }),
  );
  await startWorker(app);
  const sent = await tracer().startActiveSpan('request', async (span) => {
    const result = await add.delay(2, 3);
    span.end();
    return result;
  });
  expect(await sent.get()).toBe(5);
  await ended('process add');
  const [request] = named('request');
  const [send] = named('send add');
  const [process] = named('process add');
  const [inside] = named('inside');
  expect(send).toMatchObject({ kind: SpanKind.PRODUCER, parentSpanContext: { spanId: idOf(request) } });
  expect(send?.attributes).toEqual({
    'messaging.system.name': 'redis',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': 'default',
    'messaging.message.id': sent.id,
    'lovage.task.name': 'add',
  });
  expect(process).toMatchObject({ kind: SpanKind.CONSUMER, parentSpanContext: { spanId: idOf(send) }, links: [] });
  expect(process?.attributes).toMatchObject({
    'messaging.operation.type': 'process',
    'messaging.message.id': sent.id,
    'messaging.message.conversation_id': sent.id,
    'lovage.task.attempt': 1,
    'lovage.task.outcome': 'success',
  });
  expect(inside?.parentSpanContext?.spanId).toBe(idOf(process));
  expect(new Set([request, send, process, inside].map(traceOf)).size).toBe(1);
});

it('a retry and a delayed task begin a trace of their own, linked to the call', async () => {
  const app = newApp();
  const flaky = app.task({ name: 'flaky', bind: true, maxRetries: 1 }, (self) => {
    if (self.attempt === 1) self.retry({ countdown: 1 });
    throw new RangeError('out of range');
  });
  const later = app.task('later', () => 1);
  await startWorker(app);
  await expect((await flaky.delay()).get()).rejects.toThrow('out of range');
  await (await later.applyAsync([], { countdown: 1 })).get();
  await ended('process flaky', 2);
  await ended('process later');
  const [send] = named('send flaky');
  const [first, second] = named('process flaky');
  expect(first?.attributes).toMatchObject({ 'lovage.task.outcome': 'retry' });
  expect(first?.status.code).toBe(SpanStatusCode.UNSET);
  expect(traceOf(first)).toBe(traceOf(send));
  expect(second?.attributes).toMatchObject({
    'lovage.task.outcome': 'failure',
    'lovage.task.attempt': 2,
    'error.type': 'RangeError',
  });
  expect(second).toMatchObject({ status: { code: SpanStatusCode.ERROR, message: 'out of range' } });
  expect(second?.events.map(({ name }) => name)).toEqual(['exception']);
  expect(traceOf(second)).not.toBe(traceOf(send));
  expect(second?.links.map((link) => link.context.spanId)).toEqual([idOf(send)]);
  const [delayed] = named('process later');
  expect(delayed?.links.map((link) => link.context.spanId)).toEqual([idOf(named('send later')[0])]);
});

it('runs: parent keeps retries in the trace of the call', async () => {
  const app = newApp({ runs: 'parent' });
  const flaky = app.task({ name: 'flaky', bind: true, maxRetries: 1 }, (self) => {
    if (self.attempt === 1) self.retry({ countdown: 1 });
    return 'done';
  });
  await startWorker(app);
  await (await flaky.delay()).get();
  await ended('process flaky', 2);
  expect(new Set([...named('send flaky'), ...named('process flaky')].map(traceOf)).size).toBe(1);
});

it('steps of a canvas that a worker sends on, and steps of a workflow, keep the trace of the call', async () => {
  const app = newApp();
  const add = app.task('add', (x: number, y: number) => x + y);
  const sum = app.task('sum', (values: number[]) => values.reduce((a, b) => a + b, 0));
  const flow = app.workflow({ name: 'flow' }, async (w, n: number) => w.call(add, [n, 1]));
  await startWorker(app);
  await tracer().startActiveSpan('request', async (span) => {
    await (await chord([add.s(1, 2), add.s(3, 4)], sum.s()).delay()).get();
    await (await flow.start(4)).get();
    span.end();
  });
  await ended('process sum');
  await ended('process add', 3);
  await ended('process flow');
  const all = ['process add', 'process sum', 'process flow', 'send add'].flatMap(named);
  expect(new Set(all.map(traceOf))).toEqual(new Set([traceOf(named('request')[0])]));
});

it('a batch is one span with a link for each of its calls', async () => {
  const app = newApp();
  const seen: (string | undefined)[] = [];
  const mail = app.batchTask({ name: 'mail', size: 3, wait: '10s' }, (items: readonly BatchItem<[string]>[]) => {
    seen.push(trace.getActiveSpan()?.spanContext().spanId);
    return items.map(({ args }) => args[0]);
  });
  await startWorker(app, { concurrency: 3 });
  const results = [await mail.delay('a'), await mail.delay('b'), await mail.delay('c')];
  for (const result of results) await result.get();
  await ended('process mail');
  const [process] = named('process mail');
  expect(process?.links.map((link) => link.context.spanId)).toEqual(named('send mail').map(idOf));
  expect(process?.attributes).toMatchObject({ 'messaging.batch.message_count': 3 });
  expect(seen).toEqual([idOf(process)]);
});

it('a call that no broker accepts is a failed span', async () => {
  const plugins = [openTelemetry()];
  const broker = 'redis://127.0.0.1:1'; // nobody listens there
  const app = new Lovage('shop', { broker, drivers: [redisDriver], plugins, publishTimeout: 300, logLevel: 'silent' });
  endings.push(() => app.close());
  await expect(app.task('add', (x: number) => x).delay(1)).rejects.toThrow('did not accept task');
  await ended('send add');
  expect(named('send add')).toMatchObject([
    { status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': 'BrokerUnavailableError' } },
  ]);
});

it('log lines of a task carry the ids of its trace, also the one that tells of its failure', async () => {
  const lines: (LogFields & { readonly message: string })[] = [];
  const logger = (bound: LogFields): Logger => {
    const write = (message: string, fields?: LogFields) => void lines.push({ message, ...bound, ...fields });
    return { debug: write, info: write, warn: write, error: write, child: (more) => logger({ ...bound, ...more }) };
  };
  const app = newApp({}, logger({}));
  const fail = app.task({ name: 'fail', bind: true, maxRetries: 0 }, (self) => {
    self.log.info('about to fail');
    throw new Error('no');
  });
  await startWorker(app);
  await expect((await fail.delay()).get()).rejects.toThrow('no');
  await ended('process fail');
  await until(() => lines.some(({ message }) => message === 'task failed'), { timeout: 30_000, what: 'the line' });
  const [process] = named('process fail');
  const ids = { trace_id: traceOf(process), span_id: idOf(process) };
  expect(lines.find(({ message }) => message === 'about to fail')).toMatchObject({ ...ids, task: 'fail' });
  expect(lines.find(({ message }) => message === 'task failed')).toMatchObject(ids);
});

it('metrics count messages and measure durations in seconds', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  endings.push(() => meterProvider.shutdown());
  const app = newApp({ meterProvider });
  const add = app.task('add', (x: number) => {
    if (x < 0) throw new RangeError('negative');
    return x;
  });
  await startWorker(app);
  await (await add.delay(1)).get();
  await (await add.delay(-1)).get().catch(() => undefined);
  await ended('process add', 2);
  await reader.forceFlush();
  const found = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  const points = Object.fromEntries(found.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints]));
  expect(points['messaging.client.sent.messages']?.map(({ value }) => value)).toEqual([2]);
  expect(points['messaging.client.operation.duration']?.map(({ value }) => value)).toMatchObject([{ count: 2 }]);
  const processed = points['messaging.process.duration'] ?? [];
  expect(processed.map(({ attributes }) => attributes['error.type'])).toEqual([undefined, 'RangeError']);
  expect(found.find(({ descriptor }) => descriptor.name === 'messaging.process.duration')?.descriptor.unit).toBe('s');
});

it('without an SDK messages carry nothing, and tasks run', async () => {
  trace.disable();
  propagation.disable();
  const app = newApp();
  const headers = app.task({ name: 'headers', bind: true }, (self) => self.headers);
  await startWorker(app);
  expect(await (await headers.delay()).get()).toEqual({});
});
