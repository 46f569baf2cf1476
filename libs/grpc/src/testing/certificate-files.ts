import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChannelCredentials } from '@grpc/grpc-js';
import { CertificateAuthority, type IssueOptions, type KeyPair } from '@parley/certs';
import { Logger } from '@parley/service';
import { Tls } from '../tls.ts';
import type { TlsSettings } from '../tls-files.ts';

export type CertificateOptions = Partial<IssueOptions> & {
  by?: CertificateAuthority;
  trusts?: CertificateAuthority;
};

/** A folder for the files of the TLS settings, and an authority to sign what is in them. */
export class CertificateFiles {
  readonly folder = mkdtempSync(join(tmpdir(), 'parley-tls-'));
  readonly authority: CertificateAuthority;
  private made = 0;

  private constructor(authority: CertificateAuthority) {
    this.authority = authority;
  }

  static async create(): Promise<CertificateFiles> {
    return new CertificateFiles(await CertificateAuthority.create('Test', 1_000));
  }

  /** TLS as a service has it; as settings(). */
  async tls(options: CertificateOptions = {}): Promise<Tls> {
    return Tls.open(await this.settings(options), new Logger('tls', 'silent'))!;
  }

  /** The settings of a service; valid for a day, by this authority, trusting it, unless told otherwise. */
  async settings(options: CertificateOptions = {}): Promise<Required<TlsSettings>> {
    const { by = this.authority, trusts = this.authority, ...rest } = options;
    const pair = await by.issue({ name: 'flow-catalog', days: 1, ...rest });
    return this.write(pair, trusts.certificate);
  }

  /** Somebody of their own who trusts the authority, and has a certificate or none. To be used at a host name. */
  async outsider(certificate?: CertificateOptions, trusts = this.authority): Promise<ChannelCredentials> {
    const { by = this.authority, ...rest } = certificate ?? {};
    const pair = certificate && (await by.issue({ name: 'gateway', days: 1, ...rest }));
    return ChannelCredentials.createSsl(
      Buffer.from(trusts.certificate),
      pair ? Buffer.from(pair.key) : null,
      pair ? Buffer.from(pair.certificate) : null,
      { checkServerIdentity: () => undefined },
    );
  }

  /** Files with this content, under new names unless told otherwise. */
  write(pair: KeyPair, ca: string, name = `service-${(this.made += 1)}`): Required<TlsSettings> {
    const write = (ending: string, text: string): string => {
      const file = join(this.folder, `${name}.${ending}`);
      writeFileSync(file, text);
      return file;
    };
    return {
      TLS_CERT_FILE: write('crt', pair.certificate),
      TLS_KEY_FILE: write('key', pair.key),
      TLS_CA_FILE: write('ca', ca),
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
