import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  casts,
  measureHouse,
  parameterOnly,
  readSources,
  type SourceFile,
  seamOf,
  verdictOf,
} from './house-measures.ts';

const program = fileURLToPath(new URL('./house.ts', import.meta.url));
const source = (text: string, file = 'core/src/task/a.ts'): SourceFile => ({ file, text });

describe('the house', () => {
  it.each(measureHouse(readSources()))('$name: $value, at most $bound', (measure) => {
    expect(verdictOf(measure), measure.worst.join('\n')).not.toBe('WORSE');
  });

  it('one task runs through no more files than it did, as `npm run house` prints', () => {
    const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', program], { encoding: 'utf8' });
    expect(stdout).toMatch(/^files of core that one task runs through +\d+ /m);
    expect(status, stdout).toBe(0);
  });
});

describe('its measures', () => {
  it('count casts, but no constants, renames or mapped keys', () => {
    const text = [
      "import { a as b } from './b.ts';",
      "export { type C as D } from './c.ts';",
      'const one = value as Thing;',
      'const two = (call() as unknown) as Thing;',
      'const three = [1] as const;',
      "const four = 'this as that'; // so as to",
      'type Five = { [Key in Keys as Lower<Key>]: 1 };',
    ].join('\n');
    expect(casts([source(`${text}\n`)], 'core', 0, 0).value).toBe(428.6); // 3 in 7 lines
  });

  it('tell interfaces that carry parameters from those that are kept, returned or extended', () => {
    const text = [
      'interface Carried { a: 1 }',
      'interface Kept { a: 1 }',
      'interface Returned { a: 1 }',
      'interface Base { a: 1 }',
      'interface Extended extends Base { a: 1 }',
      'export function f(given: Carried, { a }: Extended): Returned {}',
      'class A { readonly #carried: Carried; readonly kept: Kept[] }',
    ].join('\n');
    expect(parameterOnly([source(text)], 'core', 0, 0).value).toBe(40);
  });

  it('count what a driver must have', () => {
    const text =
      'export interface Broker {\n  publish(a: 1): void;\n  /** optional( */\n  unblock?(a: 1): void;\n  readonly name: string;\n}\n';
    expect(seamOf([source(text, 'core/src/driver/broker.ts')])).toEqual({
      interfaces: ['Broker'],
      methods: ['Broker.publish', 'Broker.unblock'],
      required: ['Broker.publish'],
    });
  });

  it('say how a number stands', () => {
    const measure = { name: 'a', bound: 10, wanted: 5, worst: [] };
    expect([5, 10, 11].map((value) => verdictOf({ ...measure, value }))).toEqual(['holds', 'not reached', 'WORSE']);
  });
});
