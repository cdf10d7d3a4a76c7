import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Lovage } from '../../app/app.ts';
import { loadAppModule } from './load-app-module.ts';

const app = new Lovage('loaded', { broker: 'memory://' });
const shared = globalThis as { loadedApp?: Lovage | undefined };
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lovage-load-'));
  shared.loadedApp = app;
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  shared.loadedApp = undefined;
});

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return pathToFileURL(join(folder, name)).href;
}

it.each([
  ['default.mjs', 'export default loadedApp;'],
  ['named.mjs', 'export const app = loadedApp;'],
  ['unrelated-default.mjs', 'export default { port: 80 }; export const tasks = loadedApp;'],
  ['assigned.cjs', 'module.exports = { app: loadedApp };'],
  ['unseen.cjs', 'module.exports = Object.fromEntries([["app", loadedApp]]);'],
  ['whole.cjs', 'module.exports = loadedApp;'],
])('finds the app of %s', async (name, text) => {
  expect(await loadAppModule({ url: write(name, text) })).toBe(app);
});

it('takes the export that is named, of either kind of module, and no other', async () => {
  const url = write('two.cjs', 'module.exports = Object.fromEntries([["shop", loadedApp], ["port", 80]]);');
  expect(await loadAppModule({ url, exportName: 'shop' })).toBe(app);
  await expect(loadAppModule({ url, exportName: 'port' })).rejects.toThrow('exports no app named "port"');
  await expect(loadAppModule({ url: write('none.mjs', 'export default 1;') })).rejects.toThrow('exports no app');
});
