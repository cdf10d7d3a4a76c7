// @ts-check
// `npx tsx scripts/generate-state-diagram.mjs`: writes the state diagram and the table of revoking in docs/states.md from the tables in core.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTerminal, taskStates, transitions } from '../packages/core/src/message/outcome.ts';
import { revokeTable } from '../packages/core/src/task/revoke-table.ts';

/** The page that holds the diagram, between two marks. */
export const page = join(fileURLToPath(new URL('..', import.meta.url)), 'docs', 'states.md');

const [begin, end] = ['<!-- generated: state diagram -->', '<!-- end of the generated part -->'];

/** The table as a mermaid state diagram. */
export function stateDiagram() {
  const moves = taskStates.flatMap((from) => transitions[from].map((to) => `  ${from} --> ${to}`));
  const ends = taskStates.filter(isTerminal).map((state) => `  ${state} --> [*]`);
  return ['```mermaid', 'stateDiagram-v2', `  [*] --> ${taskStates[0]}`, ...moves, ...ends, '```'].join('\n');
}

/** What revoking does, as a table of markdown; cases that end alike share a row. */
export function revokeRows() {
  const rows = new Map();
  for (const { where, by, terminate, state, handler, info } of revokeTable) {
    const ending = `${state} | ${handler} | ${info}`;
    const key = `${where} | ${ending}`;
    rows.set(key, { where, ending, how: [...(rows.get(key)?.how ?? []), terminate ? `${by}, terminate` : by] });
  }
  const lines = [...rows.values()].map(
    ({ where, how, ending }) => `| ${where} | ${how.length === 4 ? 'any' : how.join('; ')} | ${ending} |`,
  );
  return [
    '| the task is | revoked by | state | its handler | waiters are told |',
    '|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

/** @param {string} text The page as it is. */
export function withDiagram(text) {
  const drawn = between(text, begin, end, stateDiagram());
  return between(drawn, '<!-- generated: revoke table -->', '<!-- end of the revoke table -->', revokeRows());
}

/** @param {string} text @param {string} begin @param {string} end @param {string} part */
function between(text, begin, end, part) {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${page} has lost the marks around what is generated`);
  return `${text.slice(0, from)}${begin}\n${part}\n${text.slice(to)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, withDiagram(readFileSync(page, 'utf8')));
