import { randomUUID } from 'node:crypto';
import type { JsonValue } from '@lovage/core/driver';
import { bodyOf, type CeleryCall } from '../protocol/celery-call.ts';
import { parsePythonJson } from '../protocol/python-json.ts';
import type { PartCount, RawPush, SettleJob, SettleReply, Settler } from '../worker/settler.ts';
import type { RedisLink } from './connection.ts';
import { writeEnvelope } from './envelope.ts';
import type { Keys } from './keys.ts';
import { scriptsOf } from './scripts.ts';

/** How long the count of a chord is kept, in seconds: Celery's `result_expires`. */
const chordTtl = 86_400;
/** Jobs in one call of the script: bounds the time it holds Redis. */
const mostJobs = 200;
const mostArgs = 6_000;

interface Waiting {
  readonly args: readonly (string | number)[];
  readonly job: SettleJob;
  resolve(reply: SettleReply): void;
  reject(error: unknown): void;
}

/** Settles on Redis: what is asked for in one turn of the event loop goes in one call of a script. */
export class RedisSettler implements Settler {
  readonly countsChords = true;
  readonly #link: RedisLink;
  readonly #keys: Keys;
  #waiting: Waiting[] = [];

  constructor(link: RedisLink, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  settle(job: SettleJob): Promise<SettleReply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ args: this.#argsOf(job), job, resolve, reject });
      if (this.#waiting.length === 1) queueMicrotask(() => queueMicrotask(() => this.#flush()));
      else if (this.#waiting.length >= mostJobs) this.#flush();
    });
  }

  async chordMembers(groupId: string): Promise<readonly JsonValue[]> {
    const texts = await this.#link.run((client) => client.zrange(`${this.#keys.groupMeta(groupId)}.j`, '0', '-1'));
    return texts.map((text) => parsePythonJson(text));
  }

  async readMeta(id: string): Promise<string | undefined> {
    return (await this.#link.run((client) => client.get(this.#keys.meta(id)))) ?? undefined;
  }

  async growChord(groupId: string): Promise<void> {
    const key = `${this.#keys.groupMeta(groupId)}.t`;
    await this.#link.runOnce((client) => client.multi().incr(key).expire(key, chordTtl).exec());
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let batch: Waiting[] = [];
    let size = 0;
    for (const entry of waiting) {
      if (batch.length > 0 && size + entry.args.length > mostArgs) {
        void this.#send(batch);
        batch = [];
        size = 0;
      }
      batch.push(entry);
      size += entry.args.length;
    }
    if (batch.length > 0) void this.#send(batch);
  }

  /** Never rejects. A repeated call finds its tags let go, or its records as they are: it does nothing twice. */
  async #send(batch: readonly Waiting[]): Promise<void> {
    try {
      const args = batch.flatMap(({ args: of }) => of);
      const run = batch.every(({ job }) => isRepeatable(job)) ? 'run' : 'runOnce';
      const reply = await this.#link[run](
        (client) => scriptsOf(client).settle([this.#keys.unacked, this.#keys.unackedIndex], args) as Promise<unknown[]>,
      );
      let at = 0;
      for (const { job, resolve } of batch) {
        const { records = [], parts = [] } = job;
        const done = reply[at++] === 1;
        const stored = records.map(() => reply[at++] === 1);
        const counts = parts.map((): PartCount => countOf(reply[at++], reply[at++], reply[at++]));
        resolve({ done, stored, parts: counts });
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  #argsOf(job: SettleJob): readonly (string | number)[] {
    const { tag = '', ack = false, chord, records = [], sizes = [], calls = [], pushes = [], parts = [] } = job;
    const keys = this.#keys;
    const chordKey = chord === undefined ? undefined : keys.groupMeta(chord);
    const args: (string | number)[] = [tag, ack ? 1 : 0];
    if (chordKey === undefined) args.push(0);
    else args.push(3, `${chordKey}.j`, `${chordKey}.s`, `${chordKey}.t`);
    args.push(records.length);
    for (const { id, ttl, text } of records) args.push(keys.meta(id), Math.max(1, Math.ceil(ttl)), text);
    args.push(sizes.length);
    for (const { groupId, size } of sizes) args.push(`${keys.groupMeta(groupId)}.s`, chordTtl, size);
    args.push(calls.length + pushes.length);
    for (const call of calls) args.push(this.#listOf(call), 'L', this.textOf(call));
    for (const push of pushes) args.push(...this.#pushOf(push));
    args.push(parts.length);
    for (const { groupId, index, taskId, state, result } of parts)
      args.push(keys.groupMeta(groupId), JSON.stringify([1, taskId, state, result]), index ?? '+inf', chordTtl);
    return args;
  }

  #pushOf({ kind, queue, text }: RawPush): readonly string[] {
    if (kind === 'dead') return [this.#keys.dead(queue), 'L', text];
    return [this.#keys.list(queue, priorityIn(text)), kind === 'front' ? 'R' : 'L', text];
  }

  #listOf({ queue, properties }: CeleryCall): string {
    return this.#keys.list(queue, typeof properties.priority === 'number' ? properties.priority : 0);
  }

  /** The envelope of a call. */
  textOf(call: CeleryCall): string {
    const { headers, properties, queue } = call;
    return writeEnvelope({
      body: bodyOf(call),
      headers,
      properties: {
        ...properties,
        delivery_info: { exchange: '', routing_key: queue },
        delivery_tag: randomUUID(),
      },
    });
  }
}

/** Not what pushes without a delivery that goes with it: nobody could tell whether it was pushed before. */
function isRepeatable({ tag, chord, calls = [], pushes = [], ack }: SettleJob): boolean {
  if (calls.length + pushes.length === 0) return true;
  return chord !== undefined || (tag !== undefined && ack === true);
}

function countOf(count: unknown, size: unknown, added: unknown): PartCount {
  return { count: Number(count), size: size === '' ? undefined : Number(size) + Number(added || 0) };
}

function priorityIn(text: string): number {
  const found = /"priority": ?(-?\d+)/.exec(text.slice(text.lastIndexOf('"properties"')));
  return found ? Number(found[1]) : 0;
}
