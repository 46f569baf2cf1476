import type { Server } from 'node:http';

/**
 * Lets a server stop listening before it closes the connections that wait for a request. Node closes those first: a client that
 * connects anew at once, as they do, would be taken by the kernel, found by nobody, and reset. Refused it goes elsewhere.
 */
export function closeIdleLast(server: Server): void {
  const closeIdle = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => void setImmediate(closeIdle);
}
