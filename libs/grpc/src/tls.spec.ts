import { connect as tlsConnect } from 'node:tls';
import { readFileSync } from 'node:fs';
import { ChannelCredentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CertificateAuthority } from '@parley/certs';
import { DomainError } from '@parley/errors';
import { Logger } from '@parley/service';
import { eventually } from '@parley/testing';
import { call } from './client.ts';
import { CertificateFiles } from './testing/certificate-files.ts';
import { EchoService } from './testing/echo-service.ts';
import { Tls } from './tls.ts';

const ID = '0190b0a0-0000-7000-8000-000000000000';
const SERVICE = 'flow-catalog';
/** A refusal comes at once; a call that hung would end at its deadline of 2 s. */
const AT_ONCE_MS = 1_800;
const logger = new Logger('tls', 'silent');

let files: CertificateFiles;
let stranger: CertificateAuthority;
const started: EchoService[] = [];

beforeAll(async () => {
  files = await CertificateFiles.create();
  stranger = await CertificateAuthority.create('Somebody else', 10);
});
afterAll(() => files.remove());
afterEach(async () => {
  await Promise.all(started.splice(0).map((echo) => echo.close()));
});

type Certificate = Parameters<CertificateFiles['settings']>[0];

const tlsOf = async (certificate: Certificate = {}): Promise<Tls> =>
  Tls.open(await files.settings(certificate), logger)!;

const start = async (tls: Tls | undefined): Promise<EchoService> => {
  const echo = await EchoService.start({ tls });
  started.push(echo);
  return echo;
};

/** Calls over a connection of its own. Gives ok, or what it failed with; a call that fails late is a failure. */
const outcome = async (
  echo: EchoService,
  security: ChannelCredentials | undefined,
  address = echo.running.address,
): Promise<string> => {
  const client = echo.addClient(address, security);
  const begun = performance.now();
  try {
    await call(client, client.getFlow, { tenantId: ID, id: ID });
    return 'ok';
  } catch (error) {
    const late = performance.now() - begun > AT_ONCE_MS ? ', late' : '';
    return `${(error as DomainError).kind}${late}`;
  }
};

describe('a server with mutual TLS', () => {
  let echo: EchoService;
  let friend: ChannelCredentials;
  beforeAll(async () => {
    friend = (await tlsOf({ name: 'gateway' })).clientOf(SERVICE);
  });

  it('serves the holder of a certificate of its authority, at every form of its address', async () => {
    echo = await start(await tlsOf());
    const { address } = echo.running;
    for (const form of [address, `dns:///${address}`, `ipv4:${address},${address}`]) {
      expect([form, await outcome(echo, friend, form)]).toEqual([form, 'ok']);
    }
  });

  const noCertificate = (): ChannelCredentials =>
    ChannelCredentials.createSsl(Buffer.from(files.authority.certificate), null, null, {
      checkServerIdentity: () => undefined,
    });
  const clientWith = async (certificate: Certificate): Promise<ChannelCredentials> =>
    (await tlsOf({ name: 'gateway', ...certificate })).clientOf(SERVICE);

  it.each<[string, () => Promise<ChannelCredentials | undefined>]>([
    ['speaks plaintext', () => Promise.resolve(undefined)],
    ['has no certificate', () => Promise.resolve(noCertificate())],
    ['has a certificate of another authority', () => clientWith({ by: stranger })],
    ['has a certificate that ran out', () => clientWith({ days: -1 })],
  ])('refuses a client that %s, at once, and serves the others (P10, fault 32)', async (_what, refused) => {
    echo = await start(await tlsOf());
    expect(await outcome(echo, friend)).toBe('ok');
    expect(await outcome(echo, await refused())).toBe('unavailable');
    expect(await outcome(echo, friend)).toBe('ok');
    expect(echo.seen).toHaveLength(2);
  });

  it.each([
    ['TLSv1.2', 'refused'],
    ['TLSv1.3', 'TLSv1.3'],
  ] as const)('answers a client that speaks %s at most: %s (fault 32)', async (maxVersion, expected) => {
    echo = await start(await tlsOf());
    const { TLS_CERT_FILE, TLS_KEY_FILE, TLS_CA_FILE } = await files.settings({ name: 'gateway' });
    const spoken = await new Promise<string | null>((resolve) => {
      const socket = tlsConnect({
        host: '127.0.0.1',
        port: Number(echo.running.address.split(':')[1]),
        servername: SERVICE,
        cert: readFileSync(TLS_CERT_FILE!),
        key: readFileSync(TLS_KEY_FILE!),
        ca: readFileSync(TLS_CA_FILE!),
        ALPNProtocols: ['h2'],
        maxVersion,
      });
      socket.once('secureConnect', () => {
        resolve(socket.getProtocol());
        socket.destroy();
      });
      socket.once('error', () => resolve('refused'));
    });
    expect(spoken).toBe(expected);
  });
});

describe('a client with mutual TLS', () => {
  it.each<[string, Certificate | undefined]>([
    ['speaks plaintext', undefined],
    ['has a certificate of another authority', { by: stranger }],
    ['has a certificate that ran out', { days: -1 }],
    ['has the certificate of another service', { name: 'session', hosts: ['localhost', '127.0.0.1'] }],
  ])('refuses a server that %s, at once (P10, fault 32)', async (_what, certificate) => {
    // The tables of it.each are made before the authorities are.
    const its = certificate && 'by' in certificate ? { by: stranger } : certificate;
    const echo = await start(its && (await tlsOf(its)));
    const client = (await tlsOf({ name: 'gateway' })).clientOf(SERVICE);
    expect(await outcome(echo, client)).toBe('unavailable');
    expect(echo.seen).toEqual([]);
  });
});

describe('certificates that change while a service runs', () => {
  it('count from the next connection on, on both sides, without a restart', async () => {
    const next = await CertificateAuthority.create('The next one', 10);
    const paths = {
      server: files.write(
        await files.authority.issue({ name: SERVICE, days: 1 }),
        files.authority.certificate,
        's',
      ),
      client: files.write(
        await files.authority.issue({ name: 'gateway', days: 1 }),
        files.authority.certificate,
        'c',
      ),
    };
    const server = Tls.open(paths.server, logger)!;
    const echo = await start({ server: () => server.server(50) } as Tls);
    const client = Tls.open(paths.client, logger)!.clientOf(SERVICE);
    const old = (await tlsOf({ name: 'gateway' })).clientOf(SERVICE);
    expect(await outcome(echo, client)).toBe('ok');

    files.write(await next.issue({ name: SERVICE, days: 1 }), next.certificate, 's');
    await eventually(async () => expect(await outcome(echo, old)).toBe('unavailable'));
    files.write(await next.issue({ name: 'gateway', days: 1 }), next.certificate, 'c');
    await eventually(async () => expect(await outcome(echo, client)).toBe('ok'));
    // What grpc-js sets anew when files change is all of it.
    const plain = await outcome(echo, undefined);
    expect(plain).toBe('unavailable');
  });

  it('are left aside, with a line in the log, while they do not fit', async () => {
    const lines: string[] = [];
    class Recorder extends Logger {
      override error(message: unknown): void {
        lines.push(String(message));
      }
    }
    const pair = await files.authority.issue({ name: SERVICE, days: 1 });
    const paths = files.write(pair, files.authority.certificate, 'half');
    const tls = Tls.open(paths, new Recorder('tls', 'silent'))!;
    const echo = await start({ server: () => tls.server(20) } as Tls);
    const { key } = await files.authority.issue({ name: SERVICE, days: 1 });
    files.write({ ...pair, key }, files.authority.certificate, 'half');
    await eventually(() => expect(lines).toHaveLength(1));
    expect(lines[0]).toContain('TLS_KEY_FILE');
    expect(await outcome(echo, (await tlsOf({ name: 'gateway' })).clientOf(SERVICE))).toBe('ok');
    expect(lines).toHaveLength(1);
  });
});
