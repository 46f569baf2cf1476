import { freePort, requireFreePort } from '@parley/local-servers';
import type { StackSettings } from './settings.ts';

/** Every port of a stack, none of them 0. */
export interface StackPorts {
  gateway: number;
  contact: number;
  flowCatalog: number;
  /** One for each replica. */
  session: number[];
  channel: number;
  /** Where providers' webhooks come in. */
  channelHttp: number;
  /** Undefined: an existing server is used. */
  postgres: number | undefined;
  nats: number | undefined;
  /** One for each process of a service, in the order of planServices; none when metrics are off. */
  metrics: number[];
}

/**
 * Decides on all ports before anything is started.
 * @throws Error naming the first port that is busy, or given twice, and its setting
 */
export async function planPorts(settings: StackSettings): Promise<StackPorts> {
  const settingOf = new Map<number, string>();
  const take = async (setting: string, port: number): Promise<number> => {
    if (port === 0) return freePort();
    const other = settingOf.get(port);
    if (other !== undefined) throw new Error(`${other} and ${setting} are both ${port}.`);
    await requireFreePort(port, setting);
    settingOf.set(port, setting);
    return port;
  };
  const ports: StackPorts = {
    gateway: await take('GATEWAY_PORT', settings.gatewayPort),
    contact: await take('CONTACT_PORT', settings.contactPort),
    flowCatalog: await take('FLOW_CATALOG_PORT', settings.flowCatalogPort),
    session: [await take('SESSION_PORT', settings.sessionPort)],
    channel: await take('CHANNEL_PORT', settings.channelPort),
    channelHttp: await take('CHANNEL_HTTP_PORT', settings.channelHttpPort),
    postgres:
      settings.databaseUrl === undefined ? await take('POSTGRES_PORT', settings.postgresPort) : undefined,
    nats: settings.natsUrl === undefined ? await take('NATS_PORT', settings.natsPort) : undefined,
    metrics: [],
  };
  let next = settings.sessionPort;
  while (ports.session.length < settings.sessionReplicas) {
    if (settings.sessionPort !== 0) next += 1;
    // Past the last port there is, any will do.
    const port = next > 65_535 ? 0 : next;
    if (settingOf.has(port)) continue;
    const taken = await take('SESSION_PORT', port).catch(() => undefined);
    if (taken !== undefined) ports.session.push(taken);
  }
  const { metricsPort } = settings;
  for (
    let offset = 0;
    metricsPort !== undefined && ports.metrics.length < 4 + ports.session.length;
    offset++
  ) {
    const port = metricsPort === 0 || metricsPort + offset > 65_535 ? 0 : metricsPort + offset;
    const taken = await take('METRICS_PORT', port).catch(() => undefined);
    if (taken !== undefined) ports.metrics.push(taken);
  }
  return ports;
}
