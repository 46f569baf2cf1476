import { mkdirSync, writeFileSync } from 'node:fs';

const EXIT_LIMIT_MS = 20_000;

/**
 * Writes how many tests of a project passed, failed and were skipped to test-results/<project>.json, an output
 * that Nx caches: so a cached run still counts.
 */
export default class CountReporter {
  constructor(_globalConfig, { project }) {
    this.folder = new URL('../../test-results/', import.meta.url);
    this.project = project;
  }

  onRunComplete(_contexts, results) {
    mkdirSync(this.folder, { recursive: true });
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
    writeFileSync(new URL(`${this.project}.json`, this.folder), `${JSON.stringify(counts)}\n`);
  }
}
