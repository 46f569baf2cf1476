import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  flag,
  grpcTarget,
  logLevel,
  natsUrls,
  port,
  postgresUrl,
  readSettings,
  SettingsError,
} from './settings.ts';

const schema = z.object({
  DATABASE_URL: postgresUrl,
  GRPC_PORT: port.default(5001),
  REFLECTION: flag.default(false),
  LOG_LEVEL: logLevel,
  NATS_URL: natsUrls.optional(),
  SESSION_ADDRESS: grpcTarget.optional(),
});
const DATABASE_URL = 'postgres://user:secret@localhost:5432/contact';

const refusal = (env: Record<string, string>): string => {
  try {
    readSettings(schema, env);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('settings', () => {
  it('have defaults, and need no more than what has none', () => {
    expect(readSettings(schema, { DATABASE_URL, HOME: '/root' })).toEqual({
      DATABASE_URL,
      GRPC_PORT: 5001,
      REFLECTION: false,
      LOG_LEVEL: 'info',
    });
  });

  it('are read from text', () => {
    const env = { DATABASE_URL, GRPC_PORT: '0', REFLECTION: 'true', LOG_LEVEL: 'debug' };
    expect(readSettings(schema, env)).toEqual({
      DATABASE_URL,
      GRPC_PORT: 0,
      REFLECTION: true,
      LOG_LEVEL: 'debug',
    });
  });

  it.each(['', ' '])('count as absent when they are %j', (empty) => {
    expect(readSettings(schema, { DATABASE_URL, GRPC_PORT: empty, REFLECTION: empty })).toMatchObject({
      GRPC_PORT: 5001,
      REFLECTION: false,
    });
    expect(refusal({ DATABASE_URL: '' })).toMatch(/DATABASE_URL/);
  });

  it.each([
    ['DATABASE_URL', ''],
    ['DATABASE_URL', 'localhost:5432'],
    ['DATABASE_URL', 'mysql://localhost/contact'],
    ['GRPC_PORT', '65536'],
    ['GRPC_PORT', '-1'],
    ['GRPC_PORT', '50.5'],
    ['GRPC_PORT', 'x'],
    ['REFLECTION', 'yes'],
    ['REFLECTION', '1'],
    ['LOG_LEVEL', 'loud'],
    ['NATS_URL', 'nats'],
    ['NATS_URL', '127.0.0.1:4222'],
    ['NATS_URL', 'http://127.0.0.1:4222'],
    ['NATS_URL', 'nats://a:4222,'],
    ['NATS_URL', 'nats://u:p%zz@a:4222'],
    ['DATABASE_URL', 'postgres://u:100%@localhost/contact'],
    ['SESSION_ADDRESS', 'session'],
    ['SESSION_ADDRESS', 'http://session:5003'],
    ['SESSION_ADDRESS', 'ipv4:session:5003'],
    ['SESSION_ADDRESS', 'session:'],
    ['SESSION_ADDRESS', 'a:1,b:1'],
  ])('are refused for %s=%s, which the message names', (name, value) => {
    const message = refusal({ DATABASE_URL, [name]: value });
    expect(message).toMatch(new RegExp(`^Bad settings. ${name}: [^;]+$`));
  });

  it.each([
    ['NATS_URL', 'nats://nats:4222'],
    ['NATS_URL', 'tls://user:p%40ss@nats:4222,tls://10.0.0.2'],
    ['SESSION_ADDRESS', '127.0.0.1:5003'],
    ['SESSION_ADDRESS', '[::1]:5003'],
    ['SESSION_ADDRESS', 'session.shop.svc.cluster.local:5003'],
    ['SESSION_ADDRESS', 'dns:///session:5003'],
    ['SESSION_ADDRESS', 'dns:session:5003'],
    ['SESSION_ADDRESS', 'ipv4:10.0.0.1:5003,10.0.0.2:5003'],
    ['SESSION_ADDRESS', 'ipv6:[::1]:5003,[::2]:5003'],
  ])('take %s=%s', (name, value) => {
    expect(readSettings(schema, { DATABASE_URL, [name]: value })).toMatchObject({ [name]: value });
  });

  it('say of one that is missing that it is required', () => {
    expect(refusal({})).toBe('Bad settings. DATABASE_URL: is required');
  });

  it('are refused with every variable at fault, and without the values', () => {
    const message = refusal({ DATABASE_URL: 'mysql://user:secret@db', GRPC_PORT: 'x', LOG_LEVEL: 'loud' });
    for (const name of ['DATABASE_URL', 'GRPC_PORT', 'LOG_LEVEL']) expect(message).toContain(`${name}: `);
    expect(message).not.toContain('secret');
  });
});
