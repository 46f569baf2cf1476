import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@parley/testing';
import { looksLikeToken, newToken } from './auth/api-token.ts';
import { GatewayApp } from './testing/gateway-app.ts';

let app: GatewayApp;

beforeAll(async () => {
  app = await GatewayApp.start();
});
afterAll(() => app.close());

const me = (token: string) => app.request('GET', '/api/v1/me', { token });

describe('a token', () => {
  it('has a prefix, 256 random bits and a checksum (26)', () => {
    const tokens = Array.from({ length: 500 }, newToken);
    for (const token of tokens) expect(token).toMatch(/^parley_[A-Za-z0-9_-]{43}[0-9a-f]{8}$/);
    const secrets = tokens.map((token) => Buffer.from(token.slice(7, 50), 'base64url'));
    expect(secrets[0]).toHaveLength(32);
    expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(500);
    // No bit stands still.
    for (let bit = 0; bit < 256; bit++) {
      const ones = secrets.filter((secret) => ((secret[bit >> 3]! >> (bit & 7)) & 1) === 1).length;
      expect(ones).toBeGreaterThan(150);
      expect(ones).toBeLessThan(350);
    }
  });

  it('is known as mistyped without a look-up, wherever one character is wrong', () => {
    const token = newToken();
    expect(looksLikeToken(token)).toBe(true);
    for (let index = 0; index < token.length; index++) {
      const wrong = token.slice(0, index) + (token[index] === 'a' ? 'b' : 'a') + token.slice(index + 1);
      expect(looksLikeToken(wrong)).toBe(false);
    }
    for (const text of ['', 'parley_', token.slice(1), `${token} `, token.toUpperCase()]) {
      expect(looksLikeToken(text)).toBe(false);
    }
  });

  it('is nowhere in the database: its SHA-256 is (26)', async () => {
    const { id, token } = await app.createToken();
    const tables = await app.database.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['api_tokens', 'tenants']));
    const secret = token.slice(7, 50);
    const forms = [
      secret,
      Buffer.from(token).toString('hex'),
      Buffer.from(secret, 'base64url').toString('hex'),
    ];
    for (const { name } of tables) {
      const rows = await app.database.query<{ text: string }>(
        `SELECT to_jsonb(t)::text AS text FROM "${name}" t`,
      );
      for (const form of forms) expect(rows.filter(({ text }) => text.includes(form))).toEqual([]);
    }
    const [row] = await app.database.query<{ hash: Buffer }>('SELECT hash FROM api_tokens WHERE id = $1', [
      id,
    ]);
    expect(row!.hash).toEqual(createHash('sha256').update(token).digest());
  });

  it('stands for its tenant, name, scopes and limit', async () => {
    const { token, tenant_id } = await app.createToken({
      tenant: 'globex',
      name: 'shop',
      scopes: ['trigger', 'flows:read'],
      rateLimit: 77,
    });
    expect((await me(token)).body).toEqual({
      name: 'shop',
      tenant: { id: tenant_id, name: 'globex' },
      scopes: ['trigger', 'flows:read'],
      rate_limit: 77,
    });
  });

  it('shares its tenant with the tenant’s other tokens', async () => {
    const [one, two] = [
      await app.createToken({ tenant: 'initech' }),
      await app.createToken({ tenant: 'initech' }),
    ];
    expect(one.tenant_id).toBe(two.tenant_id);
    expect(one.token).not.toBe(two.token);
  });

  it.each(['Bearer', 'bearer', 'BEARER'])('is taken after the scheme %s', async (scheme) => {
    const { token } = await app.createToken();
    const headers = { Authorization: `${scheme} ${token}` };
    expect((await app.request('GET', '/api/v1/me', { headers })).status).toBe(200);
  });

  it('is refused within a second of being revoked, in the midst of traffic, and ever after', async () => {
    const { id, token } = await app.createToken();
    expect((await me(token)).status).toBe(200);
    await app.tokens.revoke(id);
    const revokedAt = performance.now();
    let lastAccepted = revokedAt;
    await eventually(async () => {
      const sentAt = performance.now();
      if ((await me(token)).status === 401) return;
      lastAccepted = sentAt;
      throw new Error('still accepted');
    }, 5_000);
    expect(lastAccepted - revokedAt).toBeLessThanOrEqual(1_000);
    expect((await me(token)).status).toBe(401);
  });
});

describe('the rate limit', () => {
  it('is told with every answer to a valid token', async () => {
    const { token } = await app.createToken({ scopes: ['trigger', 'flows:read'], rateLimit: 50 });
    const trigger = '/api/v1/actions/trigger-flow';
    const text = { 'Content-Type': 'text/plain' };
    const answers = [
      await me(token),
      await app.request('POST', trigger, { token, body: '{' }),
      await app.request('GET', '/api/v1/contacts', { token }),
      await app.request('GET', '/api/v1/flows/nonsense', { token }),
      await app.request('POST', trigger, { token, body: 'x', headers: text }),
      await app.request('POST', trigger, { token, body: {} }),
      await app.request('GET', '/api/v1/flows', { token }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 403, 404, 415, 422, 503]);
    expect(answers.map(({ headers }) => headers.get('x-ratelimit-limit'))).toEqual(Array(7).fill('50'));
    expect(answers.map(({ headers }) => headers.get('x-ratelimit-remaining'))).toEqual(
      [49, 48, 47, 46, 45, 44, 43].map(String),
    );
  });

  it('refuses what is too much with 429, a time to wait, and nothing else', async () => {
    const { token } = await app.createToken({ rateLimit: 3 });
    const other = await app.createToken({ rateLimit: 3 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => me(token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(7);
    for (const { text, headers } of refused) {
      expect(text).toBe('{"error":"Too many requests"}');
      expect(headers.get('x-ratelimit-remaining')).toBe('0');
      expect(headers.get('retry-after')).toMatch(/^([1-9]|[1-5]\d|60)$/);
    }
    // It is each token's own.
    expect((await me(other.token)).status).toBe(200);
  });
});
