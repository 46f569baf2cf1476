import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { SettingsError, type Logger } from '@parley/service';

/** The settings of @parley/service's `tlsFiles`. */
export interface TlsSettings {
  TLS_CERT_FILE?: string | undefined;
  TLS_KEY_FILE?: string | undefined;
  TLS_CA_FILE?: string | undefined;
}

type Files = Record<keyof TlsSettings, string>;

const NAMES = ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CA_FILE'] as const;
/** A certificate that has not been renewed by then is worth a word. */
const ENDS_SOON_MS = 14 * 24 * 60 * 60 * 1_000;

/** A service's certificate, its key and the authorities it trusts, as the files have them now. */
export class TlsFiles {
  private readonly files: Files;
  private readonly logger: Logger;
  private texts: Files;
  private inForce: SecureContextOptions;
  private refused: string | undefined;
  private end: Date;
  /** What was said of this certificate's end. */
  private said: '' | 'soon' | 'ended' = '';

  private constructor(files: Files, logger: Logger) {
    this.files = files;
    this.logger = logger;
    this.texts = read(files);
    [this.inForce, this.end] = this.use(this.texts);
    this.warn();
  }

  /**
   * undefined when none of the settings is there.
   * @throws SettingsError that names the setting when one is missing, or a file cannot be read or used
   */
  static open(settings: TlsSettings, logger: Logger): TlsFiles | undefined {
    const missing = NAMES.filter((name) => settings[name] === undefined);
    if (missing.length === NAMES.length) return undefined;
    if (missing.length > 0) {
      throw new SettingsError(
        `Bad settings. ${missing.join(', ')}: missing; ${NAMES.join(', ')} go together`,
      );
    }
    return new TlsFiles(settings as Files, logger);
  }

  /**
   * Looks at the files. The object is another one when they have changed. Files that cannot be used, such as a new
   * certificate whose key is not there yet, are logged once, and what was in force stays so.
   */
  current(): SecureContextOptions {
    try {
      const texts = read(this.files);
      if (NAMES.some((name) => texts[name] !== this.texts[name])) {
        [this.inForce, this.end] = this.use(texts);
        this.texts = texts;
        this.said = '';
        this.logger.log('New TLS certificates are in force');
      }
      this.refused = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.refused) {
        this.logger.error(`The TLS certificates read before stay in force. ${message}`);
      }
      this.refused = message;
    }
    this.warn();
    return this.inForce;
  }

  /** When the certificate ends that the files have now. */
  validTo(): Date {
    this.current();
    return this.end;
  }

  /** Once for each certificate when it is near its end, also one that was far from it when the service started, and once at its end. */
  private warn(): void {
    const left = this.end.getTime() - Date.now();
    if (left <= 0 && this.said !== 'ended') {
      this.said = 'ended';
      this.logger.error(
        `The certificate in TLS_CERT_FILE has ended on ${this.end.toISOString()}: others refuse it`,
      );
    } else if (left > 0 && left < ENDS_SOON_MS && this.said === '') {
      this.said = 'soon';
      this.logger.warn(`The certificate in TLS_CERT_FILE is valid until ${this.end.toISOString()}`);
    }
  }

  /** What connections are made with, and when the certificate ends. */
  private use(texts: Files): [SecureContextOptions, Date] {
    const { validToDate } = check(texts, this.files);
    const options = { cert: texts.TLS_CERT_FILE, key: texts.TLS_KEY_FILE, ca: texts.TLS_CA_FILE };
    return [{ ...options, minVersion: 'TLSv1.3' }, validToDate];
  }
}

function read(files: Files): Files {
  const texts = NAMES.map((name) => {
    try {
      return [name, readFileSync(files[name], 'utf8')];
    } catch (error) {
      return fail(name, `cannot be read: ${(error as Error).message}`);
    }
  });
  return Object.fromEntries(texts) as Files;
}

/** Gives the certificate, when all three can be used and fit. What is wrong names the file, and nothing in it. */
function check(texts: Files, files: Files): X509Certificate {
  const certificate = certificateIn('TLS_CERT_FILE', texts, files);
  certificateIn('TLS_CA_FILE', texts, files);
  let key: KeyObject;
  try {
    key = createPrivateKey(texts.TLS_KEY_FILE);
  } catch {
    return fail('TLS_KEY_FILE', `${files.TLS_KEY_FILE} holds no private key in PEM, without a password`);
  }
  if (!certificate.checkPrivateKey(key)) {
    return fail('TLS_KEY_FILE', `${files.TLS_KEY_FILE} is not the key of the certificate in TLS_CERT_FILE`);
  }
  try {
    createSecureContext({ cert: texts.TLS_CERT_FILE, key: texts.TLS_KEY_FILE, ca: texts.TLS_CA_FILE });
  } catch (error) {
    // A further certificate in one of the files.
    return fail('TLS_CERT_FILE, TLS_CA_FILE', `cannot be used: ${(error as Error).message}`);
  }
  return certificate;
}

function certificateIn(name: 'TLS_CERT_FILE' | 'TLS_CA_FILE', texts: Files, files: Files): X509Certificate {
  try {
    return new X509Certificate(texts[name]);
  } catch {
    return fail(name, `${files[name]} holds no certificate in PEM`);
  }
}

function fail(name: string, problem: string): never {
  throw new SettingsError(`Bad settings. ${name}: ${problem}`);
}
