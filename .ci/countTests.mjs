// A reporter of jest that adds "PASSED FAILED" to the file TEST_COUNTS, where that is set. A file of tests that could not be
// run at all, and a run that was cut off, count as one failure each.
import { appendFileSync } from "node:fs";

export default class CountTests {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, wasInterrupted, runExecError } = results;
    const file = process.env.TEST_COUNTS;
    if (!file) return;
    const failed = numFailedTests + numRuntimeErrorTestSuites + (wasInterrupted || runExecError ? 1 : 0);
    appendFileSync(file, `${numPassedTests} ${failed}\n`);
  }
}
