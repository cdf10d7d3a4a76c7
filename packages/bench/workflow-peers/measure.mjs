// What each engine is measured by: the same work as in src/benches/workflow.ts. Prints one line of JSON.
const atOnce = 50;
const steps = 10;

/**
 * @param {(count: number) => Promise<unknown>} runOne Starts a run of so many steps that do nothing, and resolves when it has ended.
 * @param {() => unknown} [close]
 */
export async function measure(runOne, close) {
  const [runs, short, warm] = process.argv.slice(2, 5).map(Number);
  await all(runOne, warm);
  const began = performance.now();
  await all(runOne, runs);
  const rate = (runs * steps * 1_000) / (performance.now() - began);
  const times = [];
  const begun = performance.now();
  for (let run = 0; run < short * 1.25; run += 1) {
    const from = performance.now();
    if (from - begun > 20_000) break; // an engine that polls takes a second a run
    await runOne(1);
    if (run >= Math.min(short / 4, 5)) times.push(performance.now() - from); // the first ones warm up
  }
  times.sort((a, b) => a - b);
  process.stdout.write(`\n${JSON.stringify({ rate, p50: times[Math.floor(times.length / 2)] })}\n`);
  await close?.();
  process.exit(0);
}

async function all(runOne, count) {
  let left = count;
  const one = async () => {
    while (left > 0) {
      left -= 1;
      await runOne(steps);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}
