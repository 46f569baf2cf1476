import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SCOPES } from './auth/access.ts';
import type { TokenRow } from './auth/token-store.ts';
import { GatewayApp } from './testing/gateway-app.ts';

const COMMAND = fileURLToPath(new URL('../dist/token.js', import.meta.url));

let app: GatewayApp;

beforeAll(async () => {
  app = await GatewayApp.start();
});
afterAll(() => app.close());

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command as it is shipped, in a process of its own. */
function run(args: string[], env: Record<string, string> = { DATABASE_URL: app.database.url }): Promise<Run> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [COMMAND, ...args],
      { env: { ...process.env, NODE_OPTIONS: '', ...env } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

describe('the token command', () => {
  it('makes a token that may do everything, 120 times a minute, and shows it once (26)', async () => {
    const made = await run(['create', '--tenant', 'acme', '--name', 'shop']);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const [token] = /parley_\S+/.exec(made.stdout)!;
    const answer = await app.request('GET', '/api/v1/me', { token });
    expect(answer.headers.get('x-ratelimit-limit')).toBe('120');
    expect(answer.headers.get('x-ratelimit-remaining')).toBe('119');
    expect((answer.body as { scopes: string[] }).scopes).toEqual(SCOPES);

    const listed = await run(['list']);
    expect(listed.stdout).toContain('shop');
    expect(listed.stdout).not.toContain('parley_');
  });

  it('makes, lists and revokes as JSON', async () => {
    const options = ['--rate', '5', '--scope', 'trigger', '--scope', 'flows:read', '--json'];
    const made = JSON.parse(
      (await run(['create', '--tenant', 'globex', '--name', 'till', ...options])).stdout,
    ) as TokenRow & { token: string };
    expect(made).toMatchObject({
      tenant: 'globex',
      name: 'till',
      rate_limit: 5,
      scopes: ['trigger', 'flows:read'],
    });
    expect((await app.request('GET', '/api/v1/me', { token: made.token })).status).toBe(200);

    const listed = JSON.parse((await run(['list', '--tenant', 'globex', '--json'])).stdout) as TokenRow[];
    expect(listed.map(({ id, revoked_at }) => ({ id, revoked_at }))).toEqual([
      { id: made.id, revoked_at: null },
    ]);
    expect(listed[0]).not.toHaveProperty('token');
    expect(listed[0]).not.toHaveProperty('hash');

    expect(await run(['revoke', made.id])).toMatchObject({ code: 0, stdout: 'Revoked.\n' });
    const again = JSON.parse((await run(['list', '--tenant', 'globex', '--json'])).stdout) as TokenRow[];
    expect(again[0]!.revoked_at).not.toBeNull();
    expect(await run(['revoke', made.id])).toMatchObject({ code: 1 });
  });

  it('keeps a name free for the next token once its token is revoked', async () => {
    const args = ['create', '--tenant', 'initech', '--name', 'one', '--json'];
    const first = JSON.parse((await run(args)).stdout) as TokenRow;
    const twice = await run(args);
    expect(twice).toMatchObject({ code: 1, stdout: '' });
    expect(twice.stderr).toContain('has a token named one already');
    await run(['revoke', first.id]);
    expect(await run(args)).toMatchObject({ code: 0 });
  });

  it.each([
    [['create', '--name', 'x'], '--tenant is required'],
    [['create', '--tenant', 'x'], '--name is required'],
    [['create', '--tenant', 'x', '--name', ''], '--name is required'],
    [['create', '--tenant', 'x', '--name', 'x', '--rate', '0'], '--rate must be 1 or more'],
    [['create', '--tenant', 'x', '--name', 'x', '--rate', 'many'], '--rate must be a number'],
    [['create', '--tenant', 'x', '--name', 'x', '--rate', '1.5'], '--rate must be a whole number'],
    [['create', '--tenant', 'x', '--name', 'x', '--scope', 'all'], '--scope must be one of trigger'],
    [['create', '--tenant', 'x', '--name', 'x', '--color', 'red'], '--color'],
    [['create', '--tenant', 'x ', '--name', 'x'], '--tenant must not begin or end with a space'],
    [['create', '--tenant', 'x', '--name', 'a', 'b'], 'b is one word too many'],
    [['list', 'x'], 'x is one word too many'],
    [['revoke'], 'revoke needs the id'],
    [['revoke', 'nonsense'], 'revoke needs the id'],
    [['revoke', '0190b0a0-0000-7000-8000-000000000000'], 'no such token'],
    [['destroy'], 'There is no command destroy'],
  ])('%j fails, and says %s', async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('explains itself, and says what it misses', async () => {
    expect((await run([], {})).stdout).toContain('create --tenant NAME --name NAME');
    const lost = await run(['list'], { DATABASE_URL: '' });
    expect(lost.code).toBe(1);
    expect(lost.stderr).toContain('DATABASE_URL');
  });
});
