import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';

export const RECONNECT_WAIT_MS = 500;
const PING_INTERVAL_MS = 5_000;
/** A connection that takes longer is worth a line in the log. */
const WARNING_MS = 5_000;

/**
 * A connection that is made however long it takes, and made again whenever it is lost: the promise stays pending while
 * NATS is away, and fails only when the signal says to give up. url: nats:// or tls://, or several with commas. name:
 * how NATS lists the connection. warn: from 5 s on, told why an attempt failed, and again when the reason is another: a
 * login that is refused is no server that is away.
 */
export async function connectToNats(
  url: string,
  name: string,
  giveUp: AbortSignal,
  warn: (error: Error) => void,
): Promise<NatsConnection> {
  const options: NodeConnectionOptions = {
    ...parseNatsUrl(url),
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    ignoreAuthErrorAbort: true,
    pingInterval: PING_INTERVAL_MS,
  };
  const begun = performance.now();
  let said = '';
  // Not the client's own waitOnFirstConnect: that nobody can end.
  for (;;) {
    try {
      return await connect(options);
    } catch (error) {
      const { message } = error as Error;
      if (performance.now() - begun >= WARNING_MS && message !== said) {
        said = message;
        warn(error as Error);
      }
      await sleep(RECONNECT_WAIT_MS, undefined, { signal: giveUp });
    }
  }
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
