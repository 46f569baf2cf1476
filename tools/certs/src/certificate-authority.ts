// @peculiar/x509 needs it, and does not bring it along.
import 'reflect-metadata';
import { createPrivateKey, KeyObject, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Extension, JsonGeneralNames } from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1_000;
/** A peer whose clock is behind finds a new certificate valid all the same. */
const BACKDATED_MS = 5 * 60 * 1_000;

/** A certificate and its private key, as PEM (X.509; PKCS #8 without a password). */
export interface KeyPair {
  certificate: string;
  key: string;
}

export interface IssueOptions {
  /** The service it is for: its common name and the first of its names. */
  name: string;
  /** Further names: host names and IP addresses. */
  hosts?: string[];
  /** How long it is valid; not longer than the authority is. Negative: it has run out. */
  days: number;
}

/** A certificate authority of our own, for services that trust it and nobody else. ECDSA on P-256. */
export class CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;

  private constructor(pair: KeyPair) {
    this.certificate = pair.certificate;
    this.key = pair.key;
  }

  /** A new one, valid for so many days. */
  static async create(name: string, days: number): Promise<CertificateAuthority> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      signingAlgorithm: ALGORITHM,
      ...validity(days),
      extensions: [
        // It signs services, and no further authorities.
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new CertificateAuthority({ certificate: pemOf(certificate), key: pemOfKey(keys.privateKey) });
  }

  /** One that was made before. */
  static from(pair: KeyPair): CertificateAuthority {
    return new CertificateAuthority(pair);
  }

  /** A certificate with which a service serves and calls others. */
  async issue(options: IssueOptions): Promise<KeyPair> {
    const { name, hosts = [], days } = options;
    const issuer = new X509Certificate(this.certificate);
    const keys = await newKeys();
    const { notBefore, notAfter } = validity(days);
    const extensions: Extension[] = [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([name, ...hosts].map(alternativeName)),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer),
    ];
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: issuer.subject,
      publicKey: keys.publicKey,
      signingKey: createPrivateKey(this.key).toCryptoKey(ALGORITHM, false, ['sign']),
      signingAlgorithm: ALGORITHM,
      notBefore,
      notAfter: notAfter < issuer.notAfter ? notAfter : issuer.notAfter,
      extensions,
    });
    return { certificate: pemOf(certificate), key: pemOfKey(keys.privateKey) };
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  const notAfter = Date.now() + days * DAY_MS;
  const notBefore = Math.min(Date.now() - BACKDATED_MS, notAfter - DAY_MS);
  return { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
}

function alternativeName(host: string): JsonGeneralNames[number] {
  const isAddress = /^[\d.]+$|:/.test(host);
  return { type: isAddress ? 'ip' : 'dns', value: host };
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

function pemOfKey(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' });
}
