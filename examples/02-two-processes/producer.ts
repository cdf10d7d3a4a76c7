// Sends tasks and awaits their results. It runs no task itself: a worker does, in a process of its own.
import { app, countWords, whoRanIt } from './tasks.ts';

const texts = ['the quick brown fox', 'jumps over', 'the lazy dog'];
const results = await countWords.delayMany(texts.map((text): [string] => [text]));
console.log(`producer ${process.pid}: sent ${results.length} tasks, waiting for a worker`);

const counts = await Promise.all(results.map((result) => result.get({ timeout: '30s' })));
for (const [index, count] of counts.entries()) console.log(`"${texts[index]}" has ${count} words`);

const { pid, worker } = await whoRanIt.call([], { timeout: '30s' });
console.log(`they ran in process ${pid} (${worker})`);

await app.close();
