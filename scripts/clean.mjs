// @ts-check
// `npm run clean`: removes what was built and cached. Sources and node_modules stay.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

const made = ['dist', '.turbo', '.cache', 'artifacts'];
const packages = readdirSync(join(root, 'packages')).map((name) => join('packages', name));

for (const folder of ['.', ...packages, 'examples']) {
  for (const name of made) rmSync(join(root, folder, name), { recursive: true, force: true });
}
