import { connect } from '@nats-io/transport-node';
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { messageOf } from './message-of.ts';

/**
 * Connects to a nats:// URL; a user and password in it are used.
 * @throws Error naming the server when it does not answer
 */
export async function connectNats(url: string, options: ConnectionOptions = {}): Promise<NatsConnection> {
  const { protocol, host, username, password } = new URL(url);
  const credentials =
    username === '' ? {} : { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  const tls = protocol === 'tls:' ? { tls: {} } : {};
  try {
    return await connect({ servers: host, ...credentials, ...tls, ...options });
  } catch (error) {
    throw new Error(`No answer from NATS at ${host}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
