import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import type { Metrics } from './metrics.ts';
import { port } from './settings.ts';

/** Settings of the endpoint for Prometheus; part of every service's. */
export const metricsSettings = {
  /** Where metrics are served: a port of their own, never the public one. off: nowhere; 0: a free port. */
  METRICS_PORT: z.union([z.literal('off'), port]).default('off'),
  METRICS_HOST: z.string().default('127.0.0.1'),
};

/** A scrape a second from several places is plenty; what is more waits for nobody. */
const MAX_CONNECTIONS = 32;
const REQUEST_TIMEOUT_MS = 5_000;

export interface MetricsServer {
  /** Where it listens, host:port; undefined when it is off. */
  readonly address: string | undefined;
  close(): Promise<void>;
}

/** Serves `GET /metrics`, and nothing else, to whoever can reach the port: it asks for no token. */
export async function startMetricsServer(
  settings: { METRICS_PORT: number | 'off'; METRICS_HOST: string },
  metrics: Metrics,
): Promise<MetricsServer> {
  const { METRICS_PORT, METRICS_HOST } = settings;
  if (METRICS_PORT === 'off') return { address: undefined, close: () => Promise.resolve() };
  metrics.watchProcess();
  const server = createServer((request, response) => void answer(request, response, metrics));
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  await once(server.listen(METRICS_PORT, METRICS_HOST), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `${METRICS_HOST}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, metrics: Metrics): Promise<void> {
  const end = (status: number, text: string): void => {
    response.writeHead(status, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
  };
  if (request.url?.split('?', 1)[0] !== '/metrics') return end(404, 'Not found\n');
  if (request.method !== 'GET') {
    response.setHeader('Allow', 'GET');
    return end(405, 'Method not allowed\n');
  }
  try {
    end(200, await metrics.text());
  } catch {
    end(500, 'Internal error\n');
  }
}
