import { createInterface } from 'node:readline';
import type { Lovage } from '@lovage/core';
import { closestName } from '@lovage/core/driver';
import { describeTasks, registeredTasks } from '@lovage/core/inspect';
import { parseArguments } from '../../options/parse-arguments.ts';
import { printData, printError, printNote } from '../../output/print.ts';

/** How long a line waits for its task before the next one may be typed all the same. */
const maxWait = '10m';

/** Runs what is typed: a task's name and its arguments. Lines run one beside the other. */
export function startConsole(app: Lovage): void {
  const lines = createInterface({ input: process.stdin, terminal: false });
  lines.on('line', (line) => void answer(app, line.trim())); // never rejects
}

async function answer(app: Lovage, line: string): Promise<void> {
  if (line === '') return;
  try {
    const [word = '', ...texts] = splitLine(line);
    if (registeredTasks(app).includes(word)) await runTask(app, word, texts);
    else if (word === 'tasks') for (const { signature } of await describeTasks(app)) printData(signature);
    else if (word === 'failures') await listFailures(app);
    else if (word === 'quit' || word === 'exit') process.kill(process.pid, 'SIGTERM');
    else {
      const closest = closestName(word, registeredTasks(app));
      const hint =
        closest === undefined
          ? "type a task's name and its arguments, or: tasks, failures, quit"
          : `did you mean "${closest}"?`;
      printNote(`there is no task "${word}"; ${hint}`);
    }
  } catch (error) {
    printError(error, false);
  }
}

async function runTask(app: Lovage, task: string, texts: readonly string[]): Promise<void> {
  const result = await app.sendTask(task, parseArguments(texts), { ignoreResult: false });
  const value = await result.get({ timeout: maxWait });
  printData(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined'));
}

async function listFailures(app: Lovage): Promise<void> {
  const failures = await app.failures.list({ limit: 20 });
  for (const { id, task, error } of failures) printData(`${id}  ${task}  ${error.name}: ${error.message}`);
  if (failures.length === 0) printNote('no failures');
}

/** Words as a shell has them: quotes keep spaces. */
export function splitLine(line: string): readonly string[] {
  const words = line.match(/(?:'[^']*'|"(?:[^"\\]|\\.)*"|[^\s'"])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"/g,
      (_whole, single, double) => single ?? double.replaceAll(/\\(.)/g, '$1'),
    ),
  );
}
