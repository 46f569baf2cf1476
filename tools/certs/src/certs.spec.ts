import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CertificateAuthority } from './certificate-authority.ts';
import { makeCertificates, SERVICES, tlsSettingsOf } from './certificate-folder.ts';

const COMMAND = fileURLToPath(new URL('certs.ts', import.meta.url));
const runFile = promisify(execFile);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-certs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const text = (file: string): string => readFileSync(join(folder, file), 'utf8');
const certificateOf = (service: string): X509Certificate => new X509Certificate(text(`${service}/tls.crt`));
const authority = (): X509Certificate => new X509Certificate(text('ca/ca.crt'));
const daysOf = (certificate: X509Certificate): number =>
  Math.round((certificate.validToDate.getTime() - Date.now()) / 86_400_000);
const whatWasMade = async (options: { days?: number; force?: boolean } = {}): Promise<string[]> =>
  (await makeCertificates({ folder, ...options })).map(({ name, what }) => `${name} ${what}`);
const everything = (what: string): string[] => ['ca', ...SERVICES].map((name) => `${name} ${what}`);

describe('the certificates of the services', () => {
  it('are signed by one authority, each for its own service and the loopback, for a year', async () => {
    expect(await whatWasMade()).toEqual(everything('made'));
    expect([authority().ca, daysOf(authority())]).toEqual([true, 3650]);
    for (const service of SERVICES) {
      const certificate = certificateOf(service);
      expect(certificate.verify(authority().publicKey)).toBe(true);
      expect(certificate.checkIssued(authority())).toBe(true);
      const names = `DNS:${service}, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1`;
      expect([certificate.subjectAltName, certificate.ca]).toEqual([names, false]);
      // To serve, and to call others.
      expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
      expect(daysOf(certificate)).toBe(365);
    }
  });

  it('are where the settings look, with keys that only their owner reads', async () => {
    await makeCertificates({ folder });
    for (const service of SERVICES) {
      const settings = tlsSettingsOf(folder, service);
      expect(Object.values(settings).filter((file) => !existsSync(file))).toEqual([]);
      expect(statSync(settings.TLS_KEY_FILE).mode & 0o777).toBe(0o600);
      expect(readFileSync(settings.TLS_CA_FILE, 'utf8')).toBe(text('ca/ca.crt'));
    }
    expect(statSync(join(folder, 'ca', 'ca.key')).mode & 0o777).toBe(0o600);
  });

  it('are kept when they are there and good', async () => {
    await makeCertificates({ folder });
    const before = text('session/tls.crt');
    expect(await whatWasMade()).toEqual(everything('kept'));
    expect(text('session/tls.crt')).toBe(before);
  });

  it('are renewed by the same authority in the last third of their time, or when they do not fit', async () => {
    await makeCertificates({ folder });
    const issuer = CertificateAuthority.from({ certificate: text('ca/ca.crt'), key: text('ca/ca.key') });
    const old = {
      // A day, of which less than a third is left, and one that ran out.
      gateway: await issuer.issue({ name: 'gateway', days: 0.3 }),
      contact: await issuer.issue({ name: 'contact', days: -1 }),
      'flow-catalog': await issuer.issue({ name: 'session', days: 365 }),
    };
    for (const [service, pair] of Object.entries(old)) {
      writeFileSync(join(folder, service, 'tls.crt'), pair.certificate);
      writeFileSync(join(folder, service, 'tls.key'), pair.key);
    }
    // Another key, and none at all.
    writeFileSync(join(folder, 'session', 'tls.key'), old.gateway.key);
    writeFileSync(join(folder, 'channel', 'tls.key'), 'no key');
    expect(await whatWasMade()).toEqual([
      'ca kept',
      'gateway renewed',
      'contact renewed',
      'flow-catalog renewed',
      'session renewed',
      'channel renewed',
    ]);
    expect(certificateOf('gateway').verify(authority().publicKey)).toBe(true);
    expect(await whatWasMade()).toEqual(everything('kept'));
  });

  it('are all made anew by force, with the authority, and by nothing less when half of it is lost', async () => {
    await makeCertificates({ folder });
    const before = text('ca/ca.crt');
    rmSync(join(folder, 'ca', 'ca.key'));
    await expect(makeCertificates({ folder })).rejects.toThrow('ca.key is missing');
    expect(text('ca/ca.crt')).toBe(before);
    await makeCertificates({ folder, force: true });
    expect(text('ca/ca.crt')).not.toBe(before);
    expect(certificateOf('contact').verify(authority().publicKey)).toBe(true);
  });

  it('are not signed with a key that is not that of their authority', async () => {
    await makeCertificates({ folder });
    const before = text('session/tls.crt');
    for (const key of [(await CertificateAuthority.create('Another', 10)).key, 'no key']) {
      writeFileSync(join(folder, 'ca', 'ca.key'), key);
      rmSync(join(folder, 'channel', 'tls.crt'), { force: true });
      await expect(makeCertificates({ folder })).rejects.toThrow(
        /ca\.key is not the key of .*ca\.crt\. Put it back, or make everything anew with --force\.$/,
      );
    }
    expect(text('session/tls.crt')).toBe(before);
  });

  it('last no longer than their authority', async () => {
    const short = await CertificateAuthority.create('Short', 2);
    const { certificate } = await short.issue({ name: 'session', days: 365 });
    expect(daysOf(new X509Certificate(certificate))).toBe(2);
  });
});

describe('npm run certs', () => {
  const run = (...args: string[]): Promise<{ stdout: string }> =>
    runFile(process.execPath, [COMMAND, ...args], { cwd: folder, env: {} });

  it('says what it made and which settings lead there', async () => {
    const { stdout } = await run('--folder', 'here', '--days', '30');
    expect(stdout).toMatch(/^made +flow-catalog +valid until \d{4}-\d\d-\d\d$/m);
    for (const [name, file] of Object.entries(tlsSettingsOf(join(folder, 'here'), 'session'))) {
      expect(stdout).toContain(`${name}=${file}`);
      expect(existsSync(file)).toBe(true);
    }
  });

  it.each([[['--days', '0']], [['--days', '826']], [['--what']]])('refuses %j in one line', async (args) => {
    const failure = await run(...args).catch((error: unknown) => error as { code: number; stderr: string });
    expect(failure).toMatchObject({ code: 1, stderr: expect.stringMatching(/^.*(--days|--what).*\n$/) });
    expect(existsSync(join(folder, '.parley'))).toBe(false);
  });
});
