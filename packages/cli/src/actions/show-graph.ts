import { type GraphFormat, graphOf, renderGraph } from '@lovage/core/inspect';
import type { GlobalArguments } from '../command.ts';
import { CommandError, type ExitCode } from '../exit-code.ts';
import { printData } from '../output/print.ts';
import { withApp } from './with-app.ts';

/** What `lovage graph` was given. */
export interface GraphArguments extends GlobalArguments {
  readonly id: string;
  readonly format?: string;
}

const formats: readonly string[] = ['text', 'mermaid', 'svg', 'json'] satisfies GraphFormat[];

/** Prints the canvas of a task. An id that nobody knows is a graph of one step in the state PENDING. */
export async function showGraph(given: GraphArguments): Promise<ExitCode> {
  const format = given.format ?? (given.json ? 'json' : 'text');
  if (!formats.includes(format)) {
    throw new CommandError(`--format: expected ${formats.join(', ')}, received "${format}"`, { exitCode: 2 });
  }
  return withApp(given, async ({ app }) => {
    printData(renderGraph(await graphOf(app, given.id), format as GraphFormat));
    return 0;
  });
}
