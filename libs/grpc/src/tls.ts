import { createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import type { Logger, Metrics } from '@parley/service';
import { TlsFiles, type TlsSettings } from './tls-files.ts';

/** How often a server looks whether its files have changed; a client looks when it connects. */
const LOOK_EVERY_MS = 5_000;
/** A peer that connects and says nothing is cut off. */
const HANDSHAKE_TIMEOUT_MS = 5_000;

/**
 * Mutual TLS, 1.3 only: a server asks for a certificate signed by an authority of ours, and a client for one that
 * names the service it means to call. Changed files count from the next connection on; no restart is needed.
 */
export class Tls {
  private readonly files: TlsFiles;

  private constructor(files: TlsFiles) {
    this.files = files;
  }

  /**
   * undefined when the settings ask for none. metrics: where the certificate's end is told, default nowhere.
   * @throws SettingsError that names the setting that is missing or cannot be used
   */
  static open(settings: TlsSettings, logger: Logger, metrics?: Metrics): Tls | undefined {
    const files = TlsFiles.open(settings, logger);
    if (!files) return undefined;
    metrics?.gauge(
      'parley_tls_certificate_not_after_timestamp_seconds',
      'When the certificate in force ends, in seconds since 1970',
      () => files.validTo().getTime() / 1_000,
    );
    return new Tls(files);
  }

  /** For a server. lookEveryMs: default 5 s. */
  server(lookEveryMs = LOOK_EVERY_MS): ServerCredentials {
    return new TlsServerCredentials(this.files, lookEveryMs);
  }

  /**
   * For a client of the service with that name. The name is asked of the server's certificate whatever the address:
   * the holder of another service's certificate is not taken for this one, and addresses may be numbers.
   */
  clientOf(name: string): ChannelCredentials {
    return new TlsChannelCredentials(this.files, name);
  }
}

// grpc-js's own ways to TLS know no lowest version, or lose it when files change. Both classes below rest on what
// grpc-js extends itself; tls.spec.ts holds them when it is updated.

class TlsServerCredentials extends ServerCredentials {
  private readonly files: TlsFiles;
  private readonly lookEveryMs: number;
  private inForce: SecureContextOptions;
  private looking: NodeJS.Timeout | undefined;

  constructor(files: TlsFiles, lookEveryMs: number) {
    const inForce = files.current();
    super({ requestCert: true, rejectUnauthorized: true, handshakeTimeout: HANDSHAKE_TIMEOUT_MS }, inForce);
    this.files = files;
    this.lookEveryMs = lookEveryMs;
    this.inForce = inForce;
  }

  /** A server listens. */
  override _addWatcher(watcher: Parameters<ServerCredentials['_addWatcher']>[0]): void {
    super._addWatcher(watcher);
    this.looking ??= setInterval(() => this.look(), this.lookEveryMs).unref();
  }

  /** A server was closed. */
  override _removeWatcher(watcher: Parameters<ServerCredentials['_removeWatcher']>[0]): void {
    super._removeWatcher(watcher);
    if (this.getWatcherCount() > 0) return;
    clearInterval(this.looking);
    this.looking = undefined;
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }

  private look(): void {
    const current = this.files.current();
    if (current === this.inForce) return;
    this.inForce = current;
    this.updateSecureContextOptions(current);
  }
}

class TlsChannelCredentials extends ChannelCredentials {
  private readonly files: TlsFiles;
  private readonly name: string;

  constructor(files: TlsFiles, name: string) {
    super();
    this.files = files;
    this.name = name;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    ...[target, options, callCredentials]: Parameters<ChannelCredentials['_createSecureConnector']>
  ): ReturnType<ChannelCredentials['_createSecureConnector']> {
    const named = { ...options, 'grpc.ssl_target_name_override': this.name };
    const connector = (): ReturnType<ChannelCredentials['_createSecureConnector']> => {
      const context = createSecureContext(this.files.current());
      const credentials = ChannelCredentials.createFromSecureContext(context);
      return credentials._createSecureConnector(target, named, callCredentials);
    };
    const first = connector();
    return {
      // A subchannel keeps its connector for all the connections it will make.
      connect: (socket) => connector().connect(socket),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => first.getCallCredentials(),
      destroy: () => undefined,
    };
  }
}
