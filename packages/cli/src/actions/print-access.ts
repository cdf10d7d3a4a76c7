import { type AccessRole, accessRoles, closestName } from '@lovage/core/driver';
import { accessOf } from '@lovage/core/inspect';
import { openApp } from '../app/open-app.ts';
import type { GlobalArguments } from '../command.ts';
import { type ExitCode, usageError } from '../exit-code.ts';
import { createCommandLogger } from '../output/plain-logger.ts';
import { printData, printJson, printNote } from '../output/print.ts';

/** What `lovage acl` was given. */
export interface AccessArguments extends GlobalArguments {
  readonly role: string;
  readonly queues?: string;
  readonly user?: string;
}

/** Prints the statements that make a user of the broker's store; the broker itself is not asked. */
export async function printAccess({ queues, user, ...given }: AccessArguments): Promise<ExitCode> {
  const role = roleOf(given.role);
  const names = (queues ?? '').split(',').map((name) => name.trim());
  if (user !== undefined && !/^\S+$/.test(user)) throw usageError(`--user: "${user}" is not a user's name`);
  const { app } = await openApp(given, { logger: createCommandLogger(given.verbose) });
  const request = { role, queues: names.filter((name) => name !== ''), user: user ?? `lovage-${role}` };
  const grant = await accessOf(app, request).finally(() => app.close());
  if (given.json) printJson(grant);
  else {
    for (const statement of grant.statements) printData(statement);
    for (const note of grant.notes) printNote(note);
  }
  return 0;
}

function roleOf(given: string): AccessRole {
  const role = accessRoles.find((name) => name === given);
  if (role !== undefined) return role;
  const closest = closestName(given, accessRoles);
  throw usageError(
    `unknown role "${given}": ${closest ? `did you mean "${closest}"?` : `it is one of ${accessRoles.join(', ')}`}`,
  );
}
