// npm run mutation: changes what runs flows, a little each time, and runs the specs that should notice.

const MUTATED = [
  'answer',
  'comparison',
  'compile-flow',
  'effort',
  'end-wait',
  'filters',
  'json-value',
  'linear-pattern',
  'reads-contact',
  'render',
  'run-node',
  'run-sprint',
  'sprint-draft',
];

export default {
  mutate: MUTATED.map((name) => `libs/flow-engine/src/${name}.ts`),
  // Stryker works on a copy, of no more than the specs need.
  tempDirName: '.parley/mutation/copy',
  ignorePatterns: [
    '/*',
    '!/jest.preset.mjs',
    '!/docs',
    '!/libs',
    '/libs/*',
    '!/libs/flow-engine',
    '!/libs/json-limits',
    '!/libs/phone',
    '!/tools',
    '/tools/*',
    '!/tools/checks',
    'dist',
  ],
  testRunner: 'jest',
  jest: {
    projectType: 'custom',
    configFile: 'libs/flow-engine/jest.config.mjs',
    config: {
      roots: ['<rootDir>', '<rootDir>/../../tools/checks/mutation'],
      testMatch: ['<rootDir>/../../tools/checks/mutation/specs.mjs'],
      // Each change starts Jest again: without starting programs that look for files.
      watchman: false,
      haste: { forceNodeFilesystemAPI: true },
    },
    enableFindRelatedTests: false,
  },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // Only an endless loop takes so long, however busy the machine.
  timeoutMS: 20_000,
  incremental: true,
  incrementalFile: '.parley/mutation/results.json',
  reporters: ['progress-append-only', 'clear-text'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
};
