import type { GateFilter } from '@lovage/core';
import type { GlobalArguments } from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
import { parseArguments } from '../options/parse-arguments.ts';
import { printData, printJson, printNote } from '../output/print.ts';
import { formatTable } from '../output/table.ts';
import { withApp } from './with-app.ts';

/** What `lovage gate list` was given. */
export interface GateListArguments extends GlobalArguments {
  readonly name?: string;
  readonly root?: string;
}

/** What `lovage gate resolve` and `reject` were given. */
export interface GateArguments extends GlobalArguments {
  readonly id: string;
  readonly value?: string;
  readonly reason?: string;
}

/** Prints the gates that wait. */
export async function listGates({ name, root, ...given }: GateListArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    const filter: GateFilter = {
      ...(name === undefined ? {} : { name }),
      ...(root === undefined ? {} : { rootId: root }),
    };
    const gates = await app.gates.list(filter);
    if (given.json) printJson(gates);
    else if (gates.length === 0) printNote('no gate waits');
    else {
      const rows = gates.map(({ id, name: gate, since, until, input }) => [
        ...[id, gate, since.toISOString(), until.toISOString()],
        input === undefined ? '-' : JSON.stringify(input),
      ]);
      printData(formatTable(['id', 'name', 'since', 'until', 'input'], rows));
    }
    return 0;
  });
}

/** Resolves a gate. */
export async function resolveGate(given: GateArguments): Promise<ExitCode> {
  const [value] = given.value === undefined ? [null] : parseArguments([given.value]);
  return withApp(given, async ({ app }) => {
    await app.resolveGate(given.id, value);
    printNote(`resolved ${given.id} with ${JSON.stringify(value)}`);
    return 0;
  });
}

/** Rejects a gate. */
export async function rejectGate(given: GateArguments): Promise<ExitCode> {
  return withApp(given, async ({ app }) => {
    await app.rejectGate(given.id, given.reason as string); // yargs asks for it
    printNote(`rejected ${given.id}`);
    return 0;
  });
}
