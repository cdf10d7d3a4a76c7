// @ts-check
import { existsSync, readFileSync } from 'node:fs';

/**
 * @typedef {object} Report How the tests ended.
 * @property {number} passed
 * @property {number} failed Tests that failed, and one for each file that could not be loaded or set up.
 * @property {number} skipped Tests that were skipped or are still to do.
 *
 * @typedef {object} VitestFile
 * @property {string} status
 * @property {{ status: string }[]} assertionResults
 */

/**
 * Counts what vitest's JSON reporter wrote; undefined when it wrote nothing.
 * @param {string} file
 * @returns {Report | undefined}
 */
export function readReport(file) {
  return existsSync(file) ? countReport(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
}

/**
 * @param {{ testResults: VitestFile[] }} json
 * @returns {Report}
 */
export function countReport(json) {
  const statuses = json.testResults.flatMap((file) => file.assertionResults.map((test) => test.status));
  const count = (/** @type {(status: string) => boolean} */ matches) => statuses.filter(matches).length;
  const passed = count((status) => status === 'passed');
  const failed = count((status) => status === 'failed');
  return { passed, failed: failed + brokenFiles(json.testResults), skipped: statuses.length - passed - failed };
}

/**
 * A file that throws while it is loaded, or in a hook, reports no failed test of its own and must not pass unseen.
 * @param {VitestFile[]} files
 */
function brokenFiles(files) {
  const failedSilently = (/** @type {VitestFile} */ file) =>
    file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed');
  return files.filter(failedSilently).length;
}

/** @param {Report} report */
export function closingLine({ passed, failed, skipped }) {
  return `Tests: ${passed} passed, ${failed} failed, ${skipped} skipped`;
}
