// Makes a corpus of real text: the guides, change logs and licences of the packages in node_modules, over and over, with
// their lines in another order each time. `npx tsx examples/09-wordcount/corpus.ts corpus.txt 100`

import { once } from 'node:events';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('../../node_modules/', import.meta.url));
const longestLine = 1_000;

/** Writes at least so many bytes; the same on every run over the same packages. */
export async function writeCorpus(file: string, bytes: number): Promise<void> {
  const lines = readLines();
  const out = createWriteStream(file);
  const random = createRandom();
  for (let written = 0; written < bytes; ) {
    const some = Array.from({ length: 2_000 }, () => lines[Math.floor(random() * lines.length)]).join('\n');
    written += Buffer.byteLength(some) + 1;
    if (!out.write(`${some}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
}

function readLines(): readonly string[] {
  const texts = /^(README|CHANGELOG|LICENSE)(\.\w+)?$/i;
  return readdirSync(sources)
    .filter((folder) => !folder.startsWith('.') && !folder.startsWith('@'))
    .flatMap((folder) => readdirSync(sources + folder).flatMap((name) => (texts.test(name) ? `${folder}/${name}` : [])))
    .sort()
    .flatMap((file) => readFileSync(sources + file, 'utf8').split('\n'))
    .map((line) => line.trim().slice(0, longestLine))
    .filter(Boolean);
}

/** A small generator, so that a corpus can be made again. */
function createRandom(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , file = 'corpus.txt', megabytes = '100'] = process.argv;
  await writeCorpus(file, Number(megabytes) * 1e6);
}
