// @ts-check
// `npx tsx scripts/generate-state-diagram.mjs`: writes the state diagram in docs/states.md from the table of transitions.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTerminal, taskStates, transitions } from '../packages/core/src/task/state.ts';

/** The page that holds the diagram, between two marks. */
export const page = join(fileURLToPath(new URL('..', import.meta.url)), 'docs', 'states.md');

const [begin, end] = ['<!-- generated: state diagram -->', '<!-- end of the generated part -->'];

/** The table as a mermaid state diagram. */
export function stateDiagram() {
  const moves = taskStates.flatMap((from) => transitions[from].map((to) => `  ${from} --> ${to}`));
  const ends = taskStates.filter(isTerminal).map((state) => `  ${state} --> [*]`);
  return ['```mermaid', 'stateDiagram-v2', `  [*] --> ${taskStates[0]}`, ...moves, ...ends, '```'].join('\n');
}

/** @param {string} text The page as it is. */
export function withDiagram(text) {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${page} has lost the marks around its diagram`);
  return `${text.slice(0, from)}${begin}\n${stateDiagram()}\n${text.slice(to)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, withDiagram(readFileSync(page, 'utf8')));
