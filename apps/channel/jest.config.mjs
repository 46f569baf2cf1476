import preset from '../../jest.preset.mjs';

export default {
  ...preset,
  globalSetup: '@parley/testing/global-setup',
  globalTeardown: '@parley/testing/global-teardown',
};
