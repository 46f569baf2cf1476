import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CertificateAuthority } from './certificate-authority.ts';
import type { KeyPair } from './certificate-authority.ts';

/** The services that get a certificate; these names are what their clients ask of a server. */
export const SERVICES = ['gateway', 'contact', 'flow-catalog', 'session', 'channel'] as const;

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];
const AUTHORITY_DAYS = 3_650;

export interface CertificateOptions {
  /** Gets ca/ca.{crt,key}, and <service>/{tls.crt,tls.key,ca.crt} for each service. */
  folder: string;
  /** How long a new certificate is valid; default 365. */
  days?: number;
  /** Make everything anew, the authority as well; default false. */
  force?: boolean;
}

export interface Made {
  /** A service, or ca. */
  name: string;
  /** Renewed: signed again by the same authority, with a new key. */
  what: 'made' | 'renewed' | 'kept';
  validTo: Date;
}

/**
 * Makes an authority and the services' certificates where they are missing. What is there and good is kept; a
 * certificate in the last third of its time, or that does not fit its key, its name or the authority, is renewed.
 * @throws Error when the authority is incomplete, does not fit its key or has run out: only `force` replaces it
 */
export async function makeCertificates(options: CertificateOptions): Promise<Made[]> {
  const { folder, days = 365, force = false } = options;
  const made: Made[] = [];
  let authority = force ? undefined : readAuthority(folder);
  const what = authority ? 'kept' : 'made';
  if (authority === undefined) {
    authority = await CertificateAuthority.create('Parley services', AUTHORITY_DAYS);
    writePair(folder, AUTHORITY_FILES, authority);
  }
  const { validToDate } = new X509Certificate(authority.certificate);
  made.push({ name: 'ca', what, validTo: validToDate });
  for (const service of SERVICES) made.push(await makeOne(folder, service, authority, days));
  return made;
}

/** The settings that give a service its certificate. */
export function tlsSettingsOf(
  folder: string,
  service: string,
): { TLS_CERT_FILE: string; TLS_KEY_FILE: string; TLS_CA_FILE: string } {
  return {
    TLS_CERT_FILE: join(folder, service, 'tls.crt'),
    TLS_KEY_FILE: join(folder, service, 'tls.key'),
    TLS_CA_FILE: join(folder, service, 'ca.crt'),
  };
}

interface PairFiles {
  certificate: string;
  key: string;
}

const AUTHORITY_FILES: PairFiles = { certificate: join('ca', 'ca.crt'), key: join('ca', 'ca.key') };

async function makeOne(
  folder: string,
  service: string,
  authority: CertificateAuthority,
  days: number,
): Promise<Made> {
  const files = { certificate: join(service, 'tls.crt'), key: join(service, 'tls.key') };
  // A service's folder is all it needs to see.
  writeFile(folder, join(service, 'ca.crt'), authority.certificate, 0o644);
  const there = readPair(folder, files);
  if (there && isGood(there, service, authority)) {
    return { name: service, what: 'kept', validTo: new X509Certificate(there.certificate).validToDate };
  }
  const pair = await authority.issue({ name: service, hosts: LOOPBACK, days });
  writePair(folder, files, pair);
  const { validToDate } = new X509Certificate(pair.certificate);
  return { name: service, what: there ? 'renewed' : 'made', validTo: validToDate };
}

function readAuthority(folder: string): CertificateAuthority | undefined {
  const { certificate, key } = AUTHORITY_FILES;
  const missing = [certificate, key].filter((file) => !existsSync(join(folder, file)));
  if (missing.length === 2) return undefined;
  const [file] = missing;
  if (file !== undefined) {
    throw new Error(`${join(folder, file)} is missing. Put it back, or make everything anew with --force.`);
  }
  const pair = readPair(folder, AUTHORITY_FILES)!;
  if (!fits(pair)) {
    const files = `${join(folder, key)} is not the key of ${join(folder, certificate)}`;
    throw new Error(`${files}. Put it back, or make everything anew with --force.`);
  }
  const { validToDate } = new X509Certificate(pair.certificate);
  if (validToDate.getTime() > Date.now()) return CertificateAuthority.from(pair);
  throw new Error(`The authority ran out on ${day(validToDate)}. Make everything anew with --force.`);
}

function isGood(pair: KeyPair, service: string, authority: CertificateAuthority): boolean {
  if (!fits(pair)) return false;
  const certificate = new X509Certificate(pair.certificate);
  const issuer = new X509Certificate(authority.certificate);
  const from = certificate.validFromDate.getTime();
  const to = certificate.validToDate.getTime();
  return (
    Date.now() < to - (to - from) / 3 &&
    certificate.verify(issuer.publicKey) &&
    certificate.checkHost(service) !== undefined
  );
}

/** Whether both can be read, and the key is the certificate's. */
function fits({ certificate, key }: KeyPair): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function readPair(folder: string, files: PairFiles): KeyPair | undefined {
  const certificate = join(folder, files.certificate);
  const key = join(folder, files.key);
  if (!existsSync(certificate) || !existsSync(key)) return undefined;
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}

function writePair(folder: string, files: PairFiles, pair: KeyPair): void {
  writeFile(folder, files.key, pair.key, 0o600);
  writeFile(folder, files.certificate, pair.certificate, 0o644);
}

/** In one step: a service that reads it meanwhile finds the old or the new, and never half of it. */
function writeFile(folder: string, file: string, text: string, mode: number): void {
  const path = join(folder, file);
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}

export function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
