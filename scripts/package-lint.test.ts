// What an installation of the published packages brings: no scripts that run, few packages, licences that may be passed on.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

interface Locked {
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const readJson = <T>(path: string): T => JSON.parse(readFileSync(`${root}/${path}`, 'utf8'));
const { packages } = readJson<{ readonly packages: Readonly<Record<string, Locked>> }>('package-lock.json');

/** What `npm install lovage` brings, our own packages aside. */
const installed = [...closure()].map((path) => [path, packages[path] ?? {}] as const);

function closure(): ReadonlySet<string> {
  const found = new Set<string>();
  const left = ['lovage', 'cli', 'core', 'redis'].map((name) => `packages/${name}`);
  for (let from = left.pop(); from !== undefined; from = left.pop()) {
    const { dependencies, optionalDependencies } = packages[from] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const path = [`${from}/node_modules/${name}`, `node_modules/${name}`].find((place) => place in packages);
      if (path === undefined || name.startsWith('@lovage/') || found.has(path)) continue;
      found.add(path);
      left.push(path);
    }
  }
  return found;
}

it('our packages run nothing when they are installed', () => {
  const manifests = readdir();
  expect(manifests.length).toBeGreaterThan(5);
  for (const path of manifests) {
    const { scripts = {} } = readJson<{ readonly scripts?: Readonly<Record<string, string>> }>(path);
    expect([path, Object.keys(scripts).filter((name) => /^(?:pre|post)?install$|^prepare$/.test(name))]).toEqual([
      path,
      [],
    ]);
  }
});

it('nothing that they bring runs scripts, save one optional addon that falls back to JavaScript', () => {
  const running = installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
  expect(running.filter((path) => !/\/msgpackr-extract$/.test(path))).toEqual([]);
});

it('they bring few packages, each under a licence that may be passed on', () => {
  const allowed = /^\(?(?:MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|BlueOak-1\.0\.0|Unlicense)\b/;
  const others = installed.filter(
    ([, { license = '', optional }]) => !allowed.test(license) && !(optional && license === ''),
  );
  expect(others.map(([path, { license }]) => [path, license])).toEqual([]);
  expect(installed.length).toBeGreaterThan(10);
  expect(installed.length).toBeLessThan(80);
});

function readdir(): readonly string[] {
  return Object.keys(packages)
    .filter((path) => path.startsWith('packages/') && !path.includes('node_modules'))
    .map((path) => `${path}/package.json`);
}
