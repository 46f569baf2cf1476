import { ChannelCredentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CertificateAuthority } from '@parley/certs';
import { CertificateFiles } from './testing/certificate-files.ts';
import { EchoService } from './testing/echo-service.ts';
import { Recorder } from './testing/recorder.ts';
import { spokenWith } from './testing/tls-version.ts';
import type { Tls } from './tls.ts';

const SERVICE = 'flow-catalog';

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

const start = async (tls: Tls | undefined): Promise<EchoService> => {
  const echo = await EchoService.start({ tls });
  started.push(echo);
  return echo;
};

describe('a server with mutual TLS', () => {
  let friend: ChannelCredentials;
  beforeAll(async () => {
    friend = (await files.tls({ name: 'gateway' })).clientOf(SERVICE);
  });

  it('serves the holder of a certificate of its authority, at every form of its address', async () => {
    const echo = await start(await files.tls());
    const { address } = echo.running;
    for (const form of [address, `dns:///${address}`, `ipv4:${address},${address}`]) {
      expect([form, await echo.outcome(friend, form)]).toEqual([form, 'ok']);
    }
  });

  it.each<[string, () => Promise<ChannelCredentials | undefined>]>([
    ['speaks plaintext', () => Promise.resolve(undefined)],
    ['has no certificate', () => files.outsider()],
    ['has a certificate of another authority', () => files.outsider({ by: stranger })],
    ['has a certificate that ran out', () => files.outsider({ days: -1 })],
  ])('refuses a client that %s, at once, and serves the others (P10, fault 32)', async (_what, refused) => {
    const echo = await start(await files.tls());
    const address = echo.running.address.replace('127.0.0.1', 'localhost');
    expect(await echo.outcome(friend)).toBe('ok');
    expect(await echo.outcome(await refused(), address)).toBe('unavailable');
    expect(await echo.outcome(friend)).toBe('ok');
    expect(echo.seen).toHaveLength(2);
    // It is that, and nothing else about it: with a good certificate the same client is served.
    expect(await echo.outcome(await files.outsider({}), address)).toBe('ok');
  });

  it.each([
    ['TLSv1.2', 'refused'],
    ['TLSv1.3', 'TLSv1.3'],
  ] as const)('answers a client that speaks %s at most: %s (fault 32)', async (version, expected) => {
    const echo = await start(await files.tls());
    expect(await spokenWith(echo, files.authority, version)).toBe(expected);
  });
});

describe('a client with mutual TLS', () => {
  it.each<[string, () => Promise<Tls | undefined>]>([
    ['speaks plaintext', () => Promise.resolve(undefined)],
    ['has a certificate of another authority', () => files.tls({ by: stranger })],
    ['has a certificate that ran out', () => files.tls({ days: -1 })],
    [
      'has the certificate of another service',
      () => files.tls({ name: 'session', hosts: ['localhost', '127.0.0.1'] }),
    ],
  ])('refuses a server that %s, at once (P10, fault 32)', async (_what, its) => {
    const echo = await start(await its());
    const client = (await files.tls({ name: 'gateway' })).clientOf(SERVICE);
    expect(await echo.outcome(client)).toBe('unavailable');
    expect(echo.seen).toEqual([]);
  });
});

describe('a server without TLS', () => {
  it.each([
    // An address of nobody: what is said of it is said before it is listened on.
    ['192.0.2.1', 1],
    ['127.0.0.1', 0],
  ])('on %s logs %i warnings', async (host, warnings) => {
    const recorder = new Recorder();
    await EchoService.start({ host, logger: recorder }).then(
      (echo) => started.push(echo),
      () => undefined,
    );
    expect(recorder.lines.filter((line) => line.includes('TLS_CERT_FILE'))).toHaveLength(warnings);
  });
});
