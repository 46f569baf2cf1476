import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { SERVICES, tlsSettingsOf } from '@parley/certs';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const APPS = ['contact', 'flow-catalog', 'session', 'channel', 'gateway'];
/** Longer than a service takes to drain (P11). */
const LEAST_GRACE_S = 11;

interface Service {
  image: string;
  build?: { args: { APP: string } };
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  healthcheck?: { test: string[] };
  logging?: { driver: string };
  depends_on?: Record<string, { condition: string }>;
  restart: string;
  stop_grace_period?: string;
}

/** A setting of a service: its Zod schema. */
interface Setting {
  safeParse(value: unknown): { success: boolean; data?: string | number | boolean | undefined };
}

const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const { services, volumes } = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const all = Object.entries(services);
const appServices = APPS.map((app) => [app, services[app]!] as const);
const entriesOf = (service: Service): [string, string][] => Object.entries(service.environment ?? {});

/** The settings in a service's config.ts. By its path, when the test runs: tools depend on no app. */
async function settingsOf(app: string): Promise<Map<string, Setting>> {
  const module = (await import(`../../../apps/${app}/src/config.ts`)) as Record<
    string,
    { shape: Record<string, Setting> }
  >;
  return new Map(Object.values(module).flatMap(({ shape }) => Object.entries(shape)));
}

/** The port a service listens on in its container. */
async function portOf(app: string): Promise<string> {
  const name = app === 'gateway' ? 'HTTP_PORT' : 'GRPC_PORT';
  const given = services[app]?.environment?.[name];
  return given ?? String((await settingsOf(app)).get(name)?.safeParse(undefined).data);
}

describe('docker-compose.yml', () => {
  it('has Postgres, NATS, the databases, the certificates, and a migration and a service per app', () => {
    const migrations = APPS.map((app) => `${app}-migrate`);
    expect(Object.keys(services).sort()).toEqual(
      ['postgres', 'nats', 'databases', 'certificates', ...migrations, ...APPS].sort(),
    );
    expect(services['postgres']?.image).toMatch(/^postgres:18/);
    expect(services['nats']?.image).toMatch(/^nats:2/);
    expect(services['nats']?.command).toEqual(expect.arrayContaining(['-js', '-sd', '/data']));
  });

  it.each(all)('%s restarts and says whether it is healthy, or ends by itself', (name, service) => {
    if (service.restart !== 'no') {
      expect(service).toMatchObject({ restart: 'unless-stopped', healthcheck: { test: expect.anything() } });
      return;
    }
    expect(service.healthcheck).toBeUndefined();
    // `docker compose up --wait` takes an end that nobody waits for as a failure.
    expect(all.some(([, { depends_on = {} }]) => name in depends_on)).toBe(true);
  });

  it.each(all)('%s does not fill the disk with what it logs', (_name, { logging }) => {
    // It keeps 100 MB of each container unless told otherwise.
    expect(logging).toEqual({ driver: 'local' });
  });

  it.each(all)('%s waits for what is there, in a way that ends', (_name, { depends_on = {} }) => {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      expect(services).toHaveProperty([name]);
      const oneShot = services[name]?.restart === 'no';
      expect([name, condition]).toEqual([
        name,
        oneShot ? 'service_completed_successfully' : 'service_healthy',
      ]);
    }
  });

  it.each(appServices)('%s is one image, whose migration comes first', (app, service) => {
    const migration = services[`${app}-migrate`]!;
    expect(service.build?.args.APP).toBe(app);
    expect(migration).toMatchObject({ image: service.image, build: service.build });
    expect(migration.command).toEqual(['node', 'dist/migrate.js']);
    expect(migration.environment).toEqual({ DATABASE_URL: service.environment?.['DATABASE_URL'] });
    expect(migration.depends_on).toHaveProperty('databases');
    expect(service.depends_on).toHaveProperty([`${app}-migrate`]);
    expect(existsSync(join(ROOT, 'apps', app, 'src', 'migrate.ts'))).toBe(true);
  });

  it.each(appServices)('%s gets the settings its config.ts asks for, and no others', async (app, service) => {
    const settings = await settingsOf(app);
    const given = entriesOf(service).map(([name]) => name);
    const required = [...settings].filter(([, setting]) => !setting.safeParse(undefined).success);
    expect([...settings.keys()]).toEqual(expect.arrayContaining(given));
    expect(given).toEqual(expect.arrayContaining(required.map(([name]) => name)));
    // The default is the loopback of its own container, where nobody else comes.
    expect(service.environment).toHaveProperty(app === 'gateway' ? 'HTTP_HOST' : 'GRPC_HOST', '0.0.0.0');
  });

  it.each(appServices)(
    '%s is asked for its health, and its peers are, where they listen',
    async (app, service) => {
      const url = service.healthcheck?.test.at(-1);
      expect(url).toMatch(`//127.0.0.1:${await portOf(app)}`);
      for (const [name, address] of entriesOf(service).filter(([key]) => key.endsWith('_ADDRESS'))) {
        const peer = name.replace('_ADDRESS', '').toLowerCase().replace('_', '-');
        expect(address).toBe(`dns:///${peer}:${await portOf(peer)}`);
        expect(service.depends_on).toHaveProperty([peer]);
      }
    },
  );

  it.each(appServices)('%s has the time to finish what it accepted', (_app, service) => {
    expect(Number.parseInt(service.stop_grace_period ?? '10', 10)).toBeGreaterThanOrEqual(LEAST_GRACE_S);
  });

  it('makes the certificates by a command, without a network, before the services start', () => {
    const { command = [], ...step } = services['certificates']!;
    expect(command).toEqual(['node', '/app/tools/certs/src/certs.ts', '--folder', '/certs']);
    expect(existsSync(join(ROOT, 'tools/certs/src/certs.ts'))).toBe(true);
    expect(step).toMatchObject({ build: { args: { APP: 'certs' } }, network_mode: 'none', restart: 'no' });
    const folders = ['ca', ...SERVICES];
    expect(step.volumes).toEqual(folders.map((name) => `certs-${name}:/certs/${name}`));
    // A new volume is the user's who writes to it only where the image has the folder.
    const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
    expect(dockerfile).toContain(['', ...folders].map((name) => join('/certs', name)).join(' '));
  });

  it.each(appServices)('%s sees its own certificate and no other, over TLS', (app, service) => {
    expect(service.volumes).toEqual([`certs-${app}:/tls:ro`]);
    const made = Object.entries(tlsSettingsOf('/certs', app));
    const seen = made.map(([name, file]) => [name, file.replace(`/certs/${app}/`, '/tls/')]);
    expect(service.environment).toMatchObject(Object.fromEntries(seen) as Record<string, string>);
    expect(service.depends_on).toHaveProperty('certificates');
  });

  it('holds no secret: each comes from the environment and is asked for when it is missing', () => {
    const fromEnvironment = /^\$\{[A-Z_]+_?PASSWORD:\?[^}]+\}$/;
    const secrets = all
      .flatMap(([, service]) => entriesOf(service))
      .flatMap(([name, value]) => {
        if (/(PASSWORD|SECRET|TOKEN|KEY)(?!_FILE)/.test(name)) return [value];
        return [...value.matchAll(/:\/\/[^:/@]*:(.*)@/g)].map((match) => match[1]!);
      });
    expect(secrets).toHaveLength(17);
    expect(secrets.filter((secret) => !fromEnvironment.test(secret))).toEqual([]);
  });

  it('lets only the gateway, and where providers send to, be reached from outside, from this machine', async () => {
    const published = all.filter(([, { ports }]) => ports !== undefined).map(([name]) => name);
    expect(published.sort()).toEqual(['channel', 'gateway']);
    const inbound = (await settingsOf('channel')).get('HTTP_PORT')?.safeParse(undefined).data;
    expect(services['channel']?.ports).toEqual([`127.0.0.1:\${CHANNEL_HTTP_PORT:-3001}:${inbound}`]);
    expect(services['gateway']?.ports).toEqual([
      `127.0.0.1:\${GATEWAY_PORT:-3000}:${await portOf('gateway')}`,
    ]);
  });

  it('keeps data in named volumes, and mounts no file that is not there', () => {
    const sources = all.flatMap(([, { volumes: mounts = [] }]) =>
      mounts.map((mount) => mount.split(':')[0]!),
    );
    const named = new Set(sources.filter((source) => !source.startsWith('.')));
    expect([...named].sort()).toEqual(Object.keys(volumes).sort());
    expect(sources.filter((source) => source.startsWith('.') && !existsSync(join(ROOT, source)))).toEqual([]);
  });

  const compose = spawnSync('docker', ['compose', 'version']).status === 0;
  const unlessMissing = compose ? it : it.skip;
  unlessMissing(`is accepted by docker compose${compose ? '' : ' (not installed here)'}`, () => {
    const names = [...text.matchAll(/\$\{([A-Z_]+):\?/g)].map((match) => [match[1]!, 'secret'] as const);
    const { status, stderr } = spawnSync('docker', ['compose', 'config', '--quiet'], {
      cwd: ROOT,
      env: { ...process.env, ...Object.fromEntries(names) },
      encoding: 'utf8',
    });
    expect({ status, stderr }).toMatchObject({ status: 0 });
  });
});

describe('docs/deployment.md', () => {
  it.each(APPS)('lists the settings of %s with their defaults', async (app) => {
    const document = readFileSync(join(ROOT, 'docs', 'deployment.md'), 'utf8');
    const section = document.split(`\n### ${app}\n`)[1]?.split('\n#')[0] ?? '';
    const rows = [...section.matchAll(/^\| `([A-Z_]+)` \| `?([^|`]+?)`? \|/gm)].map((row) => [
      row[1],
      row[2],
    ]);
    const settings = [...(await settingsOf(app))].map(([name, setting]) => {
      const { success, data } = setting.safeParse(undefined);
      if (success && data === undefined) return [name, 'none'];
      return [name, success ? String(data) : 'required'];
    });
    expect(rows).toEqual(settings);
  });
});
