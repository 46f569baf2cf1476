import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { CertificateAuthority } from '@parley/certs';
import { FlowCatalogServiceClient } from '@parley/contracts/flow-catalog';
import { Logger, Metrics, SettingsError } from '@parley/service';
import { eventually, freePort } from '@parley/testing';
import { call, connect } from './client.ts';
import { CertificateFiles } from './testing/certificate-files.ts';
import { EchoService } from './testing/echo-service.ts';
import { Recorder } from './testing/recorder.ts';
import { spokenWith } from './testing/tls-version.ts';
import { Tls } from './tls.ts';
import type { TlsSettings } from './tls-files.ts';

const ID = '0190b0a0-0000-7000-8000-000000000000';
const SERVICE = 'flow-catalog';
const logger = new Logger('tls', 'silent');

let files: CertificateFiles;
const started: EchoService[] = [];

beforeAll(async () => {
  files = await CertificateFiles.create();
});
afterAll(() => files.remove());
afterEach(async () => {
  await Promise.all(started.splice(0).map((echo) => echo.close()));
});

const start = async (tls: Tls | undefined): Promise<EchoService> => {
  const echo = await EchoService.start({ tls });
  started.push(echo);
  return echo;
};

describe('certificates that change while a service runs', () => {
  const write = async (name: string, file: string, by: CertificateAuthority): Promise<TlsSettings> =>
    files.write(await by.issue({ name, days: 1 }), by.certificate, file);

  it('count for a server from the next connection on, without a restart', async () => {
    const next = await CertificateAuthority.create('The next one', 10);
    const tls = Tls.open(await write(SERVICE, 'server', files.authority), logger)!;
    const echo = await start({ server: () => tls.server(50) } as Tls);
    // Each has a connection of its own.
    const old = await files.tls({ name: 'gateway' });
    expect(await echo.outcome(old.clientOf(SERVICE))).toBe('ok');

    await write(SERVICE, 'server', next);
    await eventually(async () => expect(await echo.outcome(old.clientOf(SERVICE))).toBe('unavailable'));
    const young = await files.tls({ name: 'gateway', by: next, trusts: next });
    expect(await echo.outcome(young.clientOf(SERVICE))).toBe('ok');
    // grpc-js sets everything anew: what it was strict about has to be said again.
    expect(await spokenWith(echo, next, 'TLSv1.2')).toBe('refused');
    const address = echo.running.address.replace('127.0.0.1', 'localhost');
    expect(await echo.outcome(await files.outsider(undefined, next), address)).toBe('unavailable');
    expect(await echo.outcome(await files.outsider({ by: next }, next), address)).toBe('ok');
  });

  it('count for a client when it connects again', async () => {
    const next = await CertificateAuthority.create('The next one', 10);
    const port = await freePort();
    const first = await EchoService.start({ port, tls: await files.tls() });
    const tls = Tls.open(await write('gateway', 'client', files.authority), logger)!;
    const client = connect(FlowCatalogServiceClient, first.running.address, tls.clientOf(SERVICE));
    const ask = (): Promise<unknown> => call(client, client.getFlow, { tenantId: ID, id: ID });
    await ask();
    await first.close();

    await write('gateway', 'client', next);
    started.push(await EchoService.start({ port, tls: await files.tls({ by: next, trusts: next }) }));
    await eventually(ask);
    client.close();
  });

  it('are left aside, with a line in the log, while they do not fit', async () => {
    const recorder = new Recorder();
    const { lines } = recorder;
    const pair = await files.authority.issue({ name: SERVICE, days: 100 });
    const paths = files.write(pair, files.authority.certificate, 'half');
    const tls = Tls.open(paths, recorder)!;
    const echo = await start({ server: () => tls.server(20) } as Tls);
    const { key } = await files.authority.issue({ name: SERVICE, days: 1 });
    files.write({ ...pair, key }, files.authority.certificate, 'half');
    await eventually(() => expect(lines).toHaveLength(1));
    expect(lines[0]).toContain('TLS_KEY_FILE');
    expect(await echo.outcome((await files.tls({ name: 'gateway' })).clientOf(SERVICE))).toBe('ok');
    expect(lines).toHaveLength(1);
  });
});

describe('the settings of TLS', () => {
  it('may all be missing: then there is none', () => {
    expect(Tls.open({}, logger)).toBeUndefined();
  });

  it.each(['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CA_FILE'] as const)(
    'are refused without %s, or with one that cannot be read or is something else, by its name',
    async (name) => {
      const settings = await files.settings();
      const refusal = (change: TlsSettings): string => {
        try {
          Tls.open({ ...settings, ...change }, logger);
        } catch (error) {
          expect(error).toBeInstanceOf(SettingsError);
          return (error as Error).message;
        }
        return 'none';
      };
      const named = `Bad settings. ${name}: `;
      expect(refusal({ [name]: undefined })).toContain(`${named}missing`);
      expect(refusal({ [name]: '/nowhere.pem' })).toContain(`${named}cannot be read`);
      expect(refusal({ [name]: fileURLToPath(import.meta.url) })).toMatch(
        new RegExp(`^${named}.*spec.ts holds no (certificate|private key) in PEM`),
      );
    },
  );

  it('are refused when the key is that of another certificate', async () => {
    const { TLS_KEY_FILE } = await files.settings();
    const settings = { ...(await files.settings()), TLS_KEY_FILE };
    expect(() => Tls.open(settings, logger)).toThrow(/TLS_KEY_FILE: .* is not the key of the certificate/);
  });

  it('bring a warning when the certificate runs out within two weeks', async () => {
    const recorder = new Recorder();
    Tls.open(await files.settings({ days: 9 }), recorder);
    expect(recorder.lines).toEqual([expect.stringContaining('TLS_CERT_FILE is valid until')]);
  });
});

describe('the end of a certificate', () => {
  const DAY_MS = 24 * 60 * 60 * 1_000;
  const NAME = 'parley_tls_certificate_not_after_timestamp_seconds';
  afterEach(() => {
    jest.restoreAllMocks();
  });

  async function endIn(metrics: Metrics): Promise<number> {
    return Number(new RegExp(`^${NAME} (\\S+)$`, 'm').exec(await metrics.text())?.[1]);
  }

  it('is told in the metrics, also of one that comes later', async () => {
    const write = async (days: number): Promise<TlsSettings> =>
      files.write(await files.authority.issue({ name: SERVICE, days }), files.authority.certificate, 'end');
    const metrics = new Metrics();
    Tls.open(await write(30), logger, metrics);
    const inDays = async (): Promise<number> => (await endIn(metrics)) / 86_400 - Date.now() / DAY_MS;
    expect(await inDays()).toBeCloseTo(30, 1);
    await write(200);
    // A reading is given again for some seconds.
    const now = performance.now() + 60_000;
    jest.spyOn(performance, 'now').mockReturnValue(now);
    expect(await inDays()).toBeCloseTo(200, 1);
  });

  it('is not told without one', async () => {
    const metrics = new Metrics();
    Tls.open({}, logger, metrics);
    expect(await metrics.text()).not.toContain(NAME);
  });

  async function readTwiceAfter(days: number, metrics: Metrics): Promise<void> {
    const later = Date.now() + days * DAY_MS;
    jest.spyOn(Date, 'now').mockReturnValue(later);
    for (const seconds of [60, 120]) {
      const now = performance.now() + seconds * 1_000;
      jest.spyOn(performance, 'now').mockReturnValue(now);
      await metrics.text();
    }
  }

  it('is an error when it has come, once', async () => {
    const recorder = new Recorder();
    const metrics = new Metrics();
    Tls.open(await files.settings({ days: 9 }), recorder, metrics);
    await readTwiceAfter(10, metrics);
    expect(recorder.lines).toEqual([
      expect.stringContaining('TLS_CERT_FILE is valid until'),
      expect.stringMatching(/TLS_CERT_FILE has ended on .*: others refuse it/),
    ]);
  });

  it('is warned of once when it comes near while the service runs', async () => {
    const recorder = new Recorder();
    const metrics = new Metrics();
    Tls.open(await files.settings({ days: 30 }), recorder, metrics);
    await metrics.text();
    expect(recorder.lines).toEqual([]);
    await readTwiceAfter(20, metrics);
    expect(recorder.lines).toEqual([expect.stringContaining('TLS_CERT_FILE is valid until')]);
  });
});
