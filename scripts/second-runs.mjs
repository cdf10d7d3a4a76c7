// @ts-check
// A vitest reporter: names the tests that passed only in their second run.

/** For `vitest --reporter=./scripts/second-runs.mjs`. */
// biome-ignore lint/style/noDefaultExport: vitest asks for one
export default class SecondRuns {
  /** @type {string[]} */
  #names = [];

  /** @param {import('vitest/node').TestCase} test */
  onTestCaseResult(test) {
    if (test.diagnostic()?.flaky) this.#names.push(`${test.module.relativeModuleId} > ${test.fullName}`);
  }

  onTestRunEnd() {
    if (this.#names.length === 0) return;
    console.log('\nlovage: passed in a second run only, which is a defect of the test or of what it tests:');
    for (const name of this.#names) console.log(`lovage:   ${name}`);
  }
}
