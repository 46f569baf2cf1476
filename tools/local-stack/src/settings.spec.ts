import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from './repository.ts';
import { readSettings, settingsHelp } from './settings.ts';

describe('readSettings', () => {
  it('has a default for everything; an empty setting counts as not set', () => {
    const defaults = readSettings({});
    expect(defaults).toMatchObject({
      gatewayPort: 3000,
      sessionPort: 5003,
      sessionReplicas: 1,
      logLevel: 'info',
    });
    expect(defaults.home).toBe(join(REPOSITORY_ROOT, '.parley'));
    expect(defaults.databaseUrl).toBeUndefined();
    expect(readSettings({ GATEWAY_PORT: '', NATS_URL: '', PARLEY_HOME: '' })).toEqual(defaults);
  });

  it.each([
    ['GATEWAY_PORT', '65536', 'GATEWAY_PORT must be a whole number from 0 to 65535, not "65536".'],
    ['NATS_PORT', '-1', 'NATS_PORT must be a whole number from 0 to 65535, not "-1".'],
    ['SESSION_REPLICAS', '0', 'SESSION_REPLICAS must be a whole number from 1 to 16, not "0".'],
    ['DATABASE_URL', 'mysql://u:secret@h', 'DATABASE_URL must be a URL that starts with postgres://.'],
    ['NATS_URL', 'localhost:4222', 'NATS_URL must be a URL that starts with nats://.'],
    ['PARLEY_TLS', 'yes', 'PARLEY_TLS must be true or false, not "yes".'],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL must be one of'],
  ])('refuses %s=%s, naming it', (name, value, message) => {
    expect(() => readSettings({ [name]: value })).toThrow(message);
  });

  it('is what the help documents', () => {
    for (const name of ['PARLEY_HOME', 'SESSION_REPLICAS', 'POSTGRES_PORT', 'LOG_LEVEL']) {
      expect(settingsHelp()).toContain(`  ${name} `);
    }
  });
});
