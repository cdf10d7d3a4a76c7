import { ConfigurationError } from '../errors.ts';
import { queueName, readOptions, wholeNumber } from '../options/option-reader.ts';

/** Where a task goes when neither the call nor the task says. */
export interface Route {
  readonly queue?: string;
  readonly priority?: number;
}

/** What a route function is shown. */
export interface RouteQuestion {
  readonly task: string;
  readonly args: readonly unknown[];
}

/** A function that routes, or leaves it to the next rule by returning undefined. */
export type RouteFunction = (question: RouteQuestion) => string | Route | undefined;

/**
 * Routing rules: `{ 'billing.*': 'billing', 'math.add': { queue: 'math', priority: 5 } }`, a list of
 * `[name | glob | RegExp, route]`, or a function. The first rule that fits decides.
 */
export type TaskRoutes =
  | Readonly<Record<string, string | Route>>
  | readonly (readonly [string | RegExp, string | Route])[]
  | RouteFunction;

/** A compiled set of rules. */
export type Router = (question: RouteQuestion) => Route | undefined;

const routeTable = { queue: queueName, priority: wholeNumber(0, 9) };

/** Compiles routing rules once; a rule that cannot be is a {@link ConfigurationError}. */
export function compileRoutes(routes: TaskRoutes | undefined, where = 'taskRoutes'): Router {
  if (routes === undefined) return () => undefined;
  if (typeof routes === 'function') return (question) => toRoute(routes(question), `${where} (function)`);
  if (typeof routes !== 'object' || routes === null) {
    throw new ConfigurationError(`${where}: expected an object, a list of rules, or a function`);
  }
  const pairs = Array.isArray(routes)
    ? (routes as readonly (readonly [string | RegExp, string | Route])[])
    : Object.entries(routes);
  const rules = pairs.map(([pattern, route]) => {
    const resolved = toRoute(route, `${where}: rule ${String(pattern)}`);
    return { fits: compilePattern(pattern), route: resolved };
  });
  const known = new Map<string, Route | undefined>(); // task names are few, and each is asked for on every call
  return ({ task }) => {
    if (known.has(task)) return known.get(task);
    const route = rules.find((rule) => rule.fits(task))?.route;
    if (known.size < 10_000) known.set(task, route);
    return route;
  };
}

function toRoute(route: unknown, where: string): Route | undefined {
  if (route === undefined || route === null) return undefined;
  if (typeof route === 'string') return { queue: queueName(route, where) };
  if (typeof route === 'object') return readOptions(route, routeTable, where) as Route;
  throw new ConfigurationError(`${where}: expected a queue name or { queue, priority }`);
}

/** Whether a name fits: `*` stands for any run of characters, as in Celery's task_routes globs; `?` for one. */
export function compilePattern(pattern: string | RegExp): (task: string) => boolean {
  if (pattern instanceof RegExp) return (task) => task.search(pattern) >= 0;
  if (!/[*?]/.test(pattern)) return (task) => task === pattern;
  return (task) => fitsGlob(pattern, task);
}

/**
 * Made into a regular expression, a glob of many stars takes a time that doubles with each; patterns come from whoever reaches the
 * broker. Here only the last star is ever tried again: at most the product of both lengths, in characters.
 */
function fitsGlob(glob: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let place = 0;
  while (place < text.length) {
    if (glob[at] === '*') {
      star = at++;
      resume = place;
    } else if (at < glob.length && (glob[at] === '?' || glob[at] === text[place])) {
      at += 1;
      place += 1;
    } else if (star >= 0) {
      at = star + 1;
      place = ++resume;
    } else return false;
  }
  while (glob[at] === '*') at += 1;
  return at === glob.length;
}
