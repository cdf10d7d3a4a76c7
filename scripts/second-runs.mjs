// @ts-check
// A vitest reporter: names the tests that passed only in their second run.

/** For `vitest --reporter=./scripts/second-runs.mjs`. */
// biome-ignore lint/style/noDefaultExport: vitest asks for one
export default class SecondRuns {
  /** Each once: vitest tells of a test at both of its runs. */
  #names = /** @type {Set<string>} */ (new Set());

  /** @param {import('vitest/node').TestCase} test */
  onTestCaseResult(test) {
    if (test.diagnostic()?.flaky) this.#names.add(`${test.module.relativeModuleId} > ${test.fullName}`);
  }

  onTestRunEnd() {
    if (this.#names.size === 0) return;
    console.log('\nlovage: passed in a second run only, which is a defect of the test or of what it tests:');
    for (const name of this.#names) console.log(`lovage:   ${name}`);
  }
}
