import { describe, expect, it } from 'vitest';
import { readRegistered } from './python-task.ts';
import { toTypeScript } from './python-type.ts';
import { writeStubs } from './write-stubs.ts';

describe('toTypeScript', () => {
  it.each([
    ["<class 'int'>", 'number'],
    ["'int'", 'number'],
    ['float | None', 'number | null'],
    ['typing.Optional[list[str]]', 'string[] | null'],
    ['list[int | None]', '(number | null)[]'],
    ['dict[str, list[float]]', 'Record<string, number[]>'],
    ['tuple[int, str]', '[number, string]'],
    ['tuple[int, ...]', 'number[]'],
    ["typing.Literal['a', 'b', 3, True]", '"a" | "b" | 3 | true'],
    ["<class 'datetime.datetime'>", 'string'],
    ["typing.Annotated[int, 'positive']", 'number'],
    ['typing.Callable[[int], str]', 'unknown'],
    ["<class 'proj.Order'>", 'unknown'],
    ['int | proj.Order', 'unknown'],
    ['list[', 'unknown'],
    ['', 'unknown'],
  ])('%s is %s', (python, expected) => {
    expect(toTypeScript(python)).toBe(expected);
  });
});

it('reads what a worker tells of a task', () => {
  expect(readRegistered('proj.plain')).toEqual({ name: 'proj.plain' });
  expect(
    readRegistered("proj.add [__annotations__={'x': <class 'int'>, 'by': dict[str, int], 'return': float | None}]"),
  ).toEqual({
    name: 'proj.add',
    parameters: [
      { name: 'x', type: "<class 'int'>", kind: 'positional', optional: false },
      { name: 'by', type: 'dict[str, int]', kind: 'positional', optional: false },
    ],
    returns: 'float | None',
  });
});

it('writes a module of typed stubs', () => {
  const tasks = [
    {
      name: 'proj.total',
      doc: 'Adds */ up.',
      returns: 'float',
      parameters: [
        { name: 'values', type: 'list[float]', kind: 'positional', optional: false },
        { name: 'start', kind: 'positional', optional: true },
        { name: 'more', type: 'int', kind: 'rest', optional: false },
        { name: 'label', type: 'str', kind: 'keyword', optional: true },
      ],
    },
    { name: 'a.add' },
    { name: 'b.add' },
  ] as const;
  const text = writeStubs(tasks, 'proj');
  expect(text).toContain('readonly total: Task<[values: number[], start?: unknown, ...more: number[]], number>;');
  expect(text).toContain(
    '/** `proj.total`: Adds *\\/ up. Keyword arguments, to be sent as `kwargs`: { label?: string } */',
  );
  expect(text).toContain('readonly aAdd: Task<[...args: unknown[]], unknown>;');
  expect(text).toContain('bAdd: app.remote("b.add"),');
});
