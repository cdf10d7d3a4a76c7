import type { Lovage } from '@lovage/core';
import { Inspector } from '@lovage/core/inspect';
import type { Worker } from '@lovage/core/worker';
import { readVersion } from '../version.ts';
import { formatMetrics, type QueueGauges } from './metrics.ts';

/** Queues are asked at most that often, however many ask; milliseconds. */
const fresh = 5_000;

/** An answer of the health server that is no probe. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Metrics of a worker, and one number for autoscalers. */
export class MetricsSource {
  readonly #app: Lovage;
  readonly #worker: Worker;
  readonly #election: { readonly leading: boolean } | undefined;
  #queues: { readonly at: number; readonly gauges: Promise<readonly QueueGauges[]> } | undefined;

  constructor(app: Lovage, worker: Worker) {
    this.#app = app;
    this.#worker = worker;
    worker.totals(); // counted from now on
    this.#election = stand(app);
  }

  /** `/metrics`, or `/scale?queue=billing`; undefined for any other path. */
  async answer(url: URL): Promise<Page | undefined> {
    if (url.pathname === '/metrics')
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await this.#metrics() };
    return url.pathname === '/scale' ? this.#scale(url.searchParams.getAll('queue')) : undefined;
  }

  async #metrics(): Promise<string> {
    const queues = this.#election?.leading ? await this.#gauges().catch(() => undefined) : undefined; // a broker that is away: the rest is told
    return formatMetrics({
      version: readVersion(),
      report: this.#worker.report(),
      totals: this.#worker.totals(),
      queues,
    });
  }

  /** How many messages wait or run, in all of these queues: as many slots are worth having. A name that no queue has never scales in silence. */
  async #scale(names: readonly string[]): Promise<Page> {
    if (names.length === 0) return json(400, { error: 'name a queue: /scale?queue=default' });
    const gauges = await this.#gauges().catch((error: unknown) => error as Error);
    if (gauges instanceof Error) return json(503, { error: gauges.message });
    const known = new Map(gauges.map((gauge) => [gauge.counts.queue, gauge]));
    const unknown = names.filter((name) => !known.has(name) && !this.#worker.report().queues.includes(name));
    if (unknown.length > 0)
      return json(404, { error: `no queue "${unknown[0]}"; there are ${[...known.keys()].join(', ')}` });
    const meant = names.flatMap((name) => known.get(name) ?? []);
    const value = meant.reduce((sum, { counts }) => sum + counts.waiting + counts.running, 0);
    const oldest = Math.max(0, ...meant.map((gauge) => (gauge.oldest ?? 0) / 1_000));
    return json(200, { value, oldestSeconds: oldest });
  }

  #gauges(): Promise<readonly QueueGauges[]> {
    const now = performance.now();
    if (this.#queues === undefined || now - this.#queues.at > fresh) this.#queues = { at: now, gauges: this.#ask() };
    return this.#queues.gauges;
  }

  async #ask(): Promise<readonly QueueGauges[]> {
    const inspector = new Inspector(this.#app);
    const queues = await inspector.queues();
    const ages = await inspector.oldest(queues.map(({ queue }) => queue));
    return queues.map((counts, index) => ({ counts, oldest: ages[index] }));
  }
}

/** Of all workers one exports the gauges of queues; a broker without leases has one process anyway. */
function stand(app: Lovage): { readonly leading: boolean } {
  try {
    return app.elect('lovage-metrics', { onLeader: () => undefined });
  } catch {
    return { leading: true };
  }
}

function json(status: number, body: object): Page {
  return { status, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}
