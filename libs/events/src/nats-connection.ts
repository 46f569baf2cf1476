import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';

export const RECONNECT_WAIT_MS = 500;
const PING_INTERVAL_MS = 5_000;

/**
 * A connection that is made however long it takes, and made again whenever it is lost: the promise stays pending while
 * NATS is away. url: nats:// or tls://, or several with commas. name: how NATS lists the connection.
 */
export function connectToNats(url: string, name: string): Promise<NatsConnection> {
  return connect({
    ...parseNatsUrl(url),
    name,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    ignoreAuthErrorAbort: true,
    pingInterval: PING_INTERVAL_MS,
  });
}

/** nats:// or tls:// URLs, with commas between; user and password may stand in the first, as in any URL. */
function parseNatsUrl(urls: string): NodeConnectionOptions {
  const parsed = urls.split(',').map((url) => new URL(url));
  const servers = parsed.map((url) => url.host);
  const { protocol, username, password } = parsed[0]!;
  return {
    servers,
    ...(protocol === 'tls:' && { tls: {} }),
    ...(username !== '' && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
  };
}
