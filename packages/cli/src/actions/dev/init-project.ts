import { existsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { GlobalArguments } from '../../command.ts';
import type { ExitCode } from '../../exit-code.ts';
import { printData, printJson, printNote } from '../../output/print.ts';
import { readVersion } from '../../version.ts';
import { starterFiles } from './starter-files.ts';

/** What `lovage init` was given. */
export interface InitArguments extends GlobalArguments {
  readonly docker?: boolean;
  readonly k8s?: boolean;
  readonly systemd?: boolean;
  readonly force?: boolean;
}

/** Writes starter files; one that is there stays, and is named. */
export async function initProject(given: InitArguments): Promise<ExitCode> {
  const folder = process.cwd();
  const files = starterFiles({ ...given, name: nameOf(folder), version: readVersion() });
  const written: string[] = [];
  const kept: string[] = [];
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    if (existsSync(path) && !given.force) kept.push(name);
    else {
      writeFileSync(path, text);
      written.push(name);
    }
  }
  if (given.json) printJson({ written, kept });
  else {
    for (const name of written) printData(`wrote ${name}`);
    for (const name of kept) printNote(`kept ${name}, which was there; --force writes over it`);
    printNote('next: npm install && npx lovage dev');
  }
  return 0;
}

/** A name that npm, Kubernetes and systemd take. */
function nameOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return name === '' || /^\d/.test(name) ? `app-${name}`.replace(/-$/, '') : name;
}
