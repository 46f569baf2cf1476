import preset from '../../jest.preset.mjs';

export default {
  ...preset,
  globalSetup: '@parley/testing/global-setup',
  globalTeardown: '@parley/testing/global-teardown',
  // Each spec starts the whole stack.
  maxWorkers: 1,
  testTimeout: 120_000,
};
