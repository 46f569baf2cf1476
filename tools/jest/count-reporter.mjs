import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const EXIT_LIMIT_MS = 20_000;

/**
 * Writes how many tests of a project passed, failed and were skipped to its test-results.json, an output
 * that Nx caches: so a cached run still counts.
 */
export default class CountReporter {
  constructor(globalConfig, { project }) {
    this.file = join(globalConfig.rootDir, 'test-results.json');
    this.project = project;
  }

  onRunComplete(_contexts, results) {
    const counts = {
      passed: results.numPassedTests,
      // A spec that does not even load has no failed test of its own.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    // What a failed test left open must not keep the whole run waiting.
    setTimeout(() => {
      console.error(`${this.project}: something is still open ${EXIT_LIMIT_MS} ms after the last test`);
      process.exit(1);
    }, EXIT_LIMIT_MS).unref();
    writeFileSync(this.file, `${JSON.stringify(counts)}\n`);
  }
}
