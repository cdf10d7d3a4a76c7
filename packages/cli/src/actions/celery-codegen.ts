import { writeFile } from 'node:fs/promises';
import { readPythonModule } from '../codegen/python-module.ts';
import { type PythonTask, readRegistered } from '../codegen/python-task.ts';
import { writeStubs } from '../codegen/write-stubs.ts';
import type { GlobalArguments } from '../command.ts';
import { CommandError, type ExitCode } from '../exit-code.ts';
import { readDuration } from '../options/read-duration.ts';
import { printData, printNote } from '../output/print.ts';
import { withApp } from './with-app.ts';

/** What `lovage celery codegen` was given. */
export interface CodegenArguments extends GlobalArguments {
  readonly python?: string;
  readonly interpreter?: string;
  readonly timeout?: string;
  readonly out?: string;
}

/** Writes typed stubs of Python tasks, from a module's signatures or from what a running fleet tells. */
export async function celeryCodegen(given: CodegenArguments): Promise<ExitCode> {
  const { python, interpreter = 'python3' } = given;
  if (python !== undefined) {
    await write(await readPythonModule({ module: python, interpreter }), python, given.out);
    return 0;
  }
  return withApp(given, async ({ app }) => {
    const timeout = readDuration(given.timeout, '--timeout') ?? 1_000;
    const replies = await app.inspect.registered({ timeout, taskInfo: ['__annotations__'] });
    const lines = Object.values(replies).flatMap((reply) => (Array.isArray(reply) ? reply : []));
    const tasks = lines.filter((line) => typeof line === 'string').map(readRegistered);
    if (tasks.length === 0)
      throw new CommandError('no worker answered: start one, or read a module with --python', { exitCode: 1 });
    const byName = new Map(tasks.map((task) => [task.name, task]));
    await write(
      [...byName.values()],
      `${Object.keys(replies).length} worker(s), which tell of annotated parameters only`,
      given.out,
    );
    return 0;
  });
}

async function write(tasks: readonly PythonTask[], source: string, out: string | undefined): Promise<void> {
  const text = writeStubs(tasks, source);
  if (out === undefined) return printData(text.trimEnd());
  await writeFile(out, text);
  printNote(`${tasks.length} stubs written to ${out}`);
}
