import { basename } from 'node:path';

const project = basename(process.cwd());

/** Shared by every project's jest.config.mjs. Run by `nx test <project>`, or `npm test` for all. */
export default {
  displayName: project,
  testEnvironment: 'node',
  // Libraries are tested and used from their sources, not their builds.
  testEnvironmentOptions: { customExportConditions: ['@parley/source', 'node', 'node-addons'] },
  testMatch: ['<rootDir>/src/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'esnext',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'nodenext' },
        sourceMaps: 'inline',
      },
    ],
  },
  testTimeout: 30_000,
  reporters: ['default', ['<rootDir>/../../tools/jest/count-reporter.mjs', { project }]],
};
