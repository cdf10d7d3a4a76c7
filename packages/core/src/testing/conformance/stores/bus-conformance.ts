import { expect } from 'vitest';
import type { Bus } from '../../../driver/bus.ts';
import type { Subscription } from '../../../driver/result-backend.ts';
import type { JsonValue } from '../../../message/json.ts';
import { until } from '../../until.ts';
import type { ConformanceOptions, Harness } from '../harness.ts';
import { type ConformanceCase, declareSuite } from '../suite.ts';

/**
 * The exam of a {@link Bus}. Call it at the top of a vitest file, as {@link brokerConformance}; the harness's connection
 * needs `bus` only.
 */
export function busConformance(driver: string, options: ConformanceOptions): void {
  declareSuite({ seam: 'bus', createBench: (harness) => new BusBench(harness), cases: busCases }, driver, options);
}

/** A listener that writes down what it hears. */
interface Ear {
  readonly heard: readonly (readonly [topic: string, message: JsonValue])[];
  readonly subscription: Subscription;
  /** Resolves when `count` messages have come. */
  hears(count: number): Promise<void>;
}

class BusBench {
  readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  get bus(): Bus {
    expect(this.harness.connection.bus, 'the harness must give a bus').toBeDefined();
    return this.harness.connection.bus as Bus;
  }

  async ear(pattern: string, bus: Bus = this.bus): Promise<Ear> {
    const heard: (readonly [string, JsonValue])[] = [];
    const subscription = await bus.subscribe(pattern, (message, topic) => heard.push([topic, message]));
    const hears = async (count: number): Promise<void> => {
      await until(() => heard.length >= count, { what: () => `${count} messages, got ${JSON.stringify(heard)}` });
    };
    return { heard, subscription, hears };
  }
}

const busCases: readonly ConformanceCase<BusBench>[] = [
  {
    name: 'a message arrives unchanged, with its topic',
    async run(bench) {
      const ear = await bench.ear('task.failed');
      const messages = [{ a: [1, null, { b: 'ž🐴' }] }, 'text', 5, null, false, []];
      for (const message of messages) await bench.bus.publish('task.failed', message);
      await ear.hears(messages.length);
      expect(ear.heard).toEqual(messages.map((message) => ['task.failed', message]));
    },
  },
  {
    name: 'a topic is heard by its own listeners only',
    async run(bench) {
      const ear = await bench.ear('a.b');
      for (const topic of ['a', 'a.b.c', 'a.bc', 'x.a.b', 'a.c', 'a.b']) await bench.bus.publish(topic, topic);
      await ear.hears(1);
      expect(ear.heard).toEqual([['a.b', 'a.b']]);
    },
  },
  {
    name: 'a.* hears every topic below a, and not a itself',
    async run(bench) {
      const ear = await bench.ear('a.*');
      for (const topic of ['a', 'ab.c', 'b.a.c', 'a.b', 'a.c', 'a.b.c.d']) await bench.bus.publish(topic, topic);
      await ear.hears(3);
      expect(ear.heard.map(([topic]) => topic)).toEqual(['a.b', 'a.c', 'a.b.c.d']);
    },
  },
  {
    name: '* hears everything',
    async run(bench) {
      const ear = await bench.ear('*');
      for (const topic of ['a', 'a.b', 'c.d.e']) await bench.bus.publish(topic, topic);
      await ear.hears(3);
      expect(ear.heard.map(([topic]) => topic)).toEqual(['a', 'a.b', 'c.d.e']);
    },
  },
  {
    name: 'characters that are special elsewhere are plain in a topic',
    async run(bench) {
      const ear = await bench.ear('w[1]?.x@h:y.*');
      for (const topic of ['w1.x@h:y.z', 'w[1]a.x@h:y.z', 'w[1]?.x@h:y.z']) await bench.bus.publish(topic, topic);
      await ear.hears(1);
      expect(ear.heard.map(([topic]) => topic)).toEqual(['w[1]?.x@h:y.z']);
    },
  },
  {
    name: 'several listeners hear the same message, each once',
    async run(bench) {
      const ears = [await bench.ear('a.b'), await bench.ear('a.b'), await bench.ear('a.*'), await bench.ear('*')];
      await bench.bus.publish('a.b', 1);
      await bench.bus.publish('a.b', 2);
      for (const ear of ears) {
        await ear.hears(2);
        expect(ear.heard.map(([, message]) => message)).toEqual([1, 2]);
      }
    },
  },
  {
    name: 'one function subscribed twice is two subscriptions',
    async run(bench) {
      let calls = 0;
      const listener = (): void => {
        calls += 1;
      };
      const first = await bench.bus.subscribe('a', listener);
      await bench.bus.subscribe('a', listener);
      await bench.bus.publish('a', 1);
      await until(() => calls === 2);
      await first.close();
      const ear = await bench.ear('a');
      await bench.bus.publish('a', 2);
      await ear.hears(1);
      await until(() => calls === 3);
    },
  },
  {
    name: 'a closed subscription hears nothing and leaves the others',
    async run(bench) {
      const [closed, open] = [await bench.ear('a.*'), await bench.ear('a.*')];
      await closed.subscription.close();
      await closed.subscription.close();
      await bench.bus.publish('a.b', 1);
      await open.hears(1);
      expect(closed.heard).toEqual([]);
    },
  },
  {
    name: 'a message reaches other connections',
    async run(bench) {
      const other = await bench.harness.another();
      expect(other.bus).toBeDefined();
      const there = await bench.ear('a.*', other.bus);
      const here = await bench.ear('b');
      await bench.bus.publish('a.b', 'out');
      await other.bus?.publish('b', 'back');
      await there.hears(1);
      await here.hears(1);
      expect([there.heard, here.heard]).toEqual([[['a.b', 'out']], [['b', 'back']]]);
    },
  },
  {
    name: 'what was published before is not heard',
    async run(bench) {
      await bench.bus.publish('a', 'early');
      const ear = await bench.ear('a');
      await bench.bus.publish('a', 'now');
      await ear.hears(1);
      expect(ear.heard).toEqual([['a', 'now']]);
    },
  },
  {
    name: 'messages of one publisher keep their order',
    async run(bench) {
      const ear = await bench.ear('a.*');
      const numbers = Array.from({ length: 200 }, (_, index) => index);
      await Promise.all(numbers.map((number) => bench.bus.publish(`a.${number % 3}`, number)));
      await ear.hears(200);
      expect(ear.heard.map(([, message]) => message)).toEqual(numbers);
    },
  },
  {
    name: 'a listener that throws does not silence the others',
    async run(bench) {
      await bench.bus.subscribe('a', () => {
        throw new Error('listener');
      });
      const ear = await bench.ear('a');
      await bench.bus.publish('a', 1);
      await bench.bus.publish('a', 2);
      await ear.hears(2);
    },
  },
];
