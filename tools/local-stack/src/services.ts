import { connect } from 'node:net';
import { lastLines, pollUntil, startProcess } from '@parley/local-servers';
import type { StartedProcess } from '@parley/local-servers';
import { tlsSettingsOf } from '@parley/certs';
import { join } from 'node:path';
import type { DatabaseUrls } from './databases.ts';
import type { StackPorts } from './ports.ts';
import { appProgram } from './repository.ts';
import type { Stage, Supervisor } from './supervisor.ts';

const HOST = '127.0.0.1';
const READY_TIMEOUT_MS = 60_000;
/** A service drains for up to 10 s when asked to stop. */
const DRAIN_MS = 12_000;
/**
 * As in the images (Dockerfile). Room for what busy seconds leave behind, and not for more: without limits V8 lets garbage
 * pile up to twice the memory. Its helpers in collecting short-lived garbage only wait for a core that others need.
 */
const NODE_FLAGS = [
  '--enable-source-maps',
  '--max-semi-space-size=16',
  '--heap-growing-percent=30',
  '--no-parallel-scavenge',
];

/** glibc keeps a heap for each thread, which takes 10 to 15 MiB in each process; one for all serves as fast (docs/performance.md). */
const ALLOCATOR = { MALLOC_ARENA_MAX: '1' };

/** One process of a service. */
export interface Service {
  /** Unique in the stack: gateway, contact, flow-catalog, session, session-2, channel … */
  name: string;
  app: string;
  stage: Stage;
  /** host:port; the gateway's is HTTP, the others' gRPC. */
  address: string;
  env: Record<string, string>;
}

/** The processes of a stack's services, the gateway last. */
export function planServices(
  ports: StackPorts,
  urls: { databases: DatabaseUrls; nats: string },
  logLevel: string,
): Service[] {
  const { databases, nats } = urls;
  const contact = grpcService('contact', 'contact', ports.contact, databases.contact, logLevel);
  const flowCatalog = grpcService(
    'flow-catalog',
    'flow-catalog',
    ports.flowCatalog,
    databases.flow_catalog,
    logLevel,
  );
  contact.env['NATS_URL'] = nats;
  flowCatalog.env['NATS_URL'] = nats;
  const sessions = ports.session.map((port, index) => {
    const name = index === 0 ? 'session' : `session-${index + 1}`;
    const service = grpcService(name, 'session', port, databases.session, logLevel);
    return { ...service, env: { ...service.env, NATS_URL: nats, FLOW_CATALOG_ADDRESS: flowCatalog.address } };
  });
  // gRPC's own form for a list of addresses.
  const sessionTarget =
    sessions.length === 1
      ? `${HOST}:${ports.session[0]}`
      : `ipv4:${sessions.map(({ address }) => address).join(',')}`;
  const channel = grpcService('channel', 'channel', ports.channel, databases.channel, logLevel);
  Object.assign(channel.env, {
    NATS_URL: nats,
    HTTP_HOST: HOST,
    HTTP_PORT: String(ports.channelHttp),
    CONTACT_ADDRESS: contact.address,
    SESSION_ADDRESS: sessionTarget,
    // A webhook on this machine is how to try one.
    ALLOW_PRIVATE_TARGETS: 'true',
  });
  const gateway: Service = {
    name: 'gateway',
    app: 'gateway',
    stage: 'gateway',
    address: `${HOST}:${ports.gateway}`,
    env: {
      HTTP_HOST: HOST,
      HTTP_PORT: String(ports.gateway),
      DATABASE_URL: databases.gateway,
      LOG_LEVEL: logLevel,
      CONTACT_ADDRESS: contact.address,
      FLOW_CATALOG_ADDRESS: flowCatalog.address,
      NATS_URL: nats,
      SESSION_ADDRESS: sessionTarget,
      CHANNEL_ADDRESS: channel.address,
    },
  };
  // Also when they are off: a METRICS_PORT of the environment would be the same for all of them.
  return [contact, flowCatalog, ...sessions, channel, gateway].map((service, index) => ({
    ...service,
    env: { ...service.env, METRICS_PORT: String(ports.metrics[index] ?? 'off'), METRICS_HOST: HOST },
  }));
}

/** The same services, each with its certificate in that folder. */
export function withCertificates(services: Service[], folder: string): Service[] {
  return services.map((service) => ({
    ...service,
    env: { ...service.env, ...tlsSettingsOf(folder, service.app) },
  }));
}

function grpcService(
  name: string,
  app: string,
  port: number,
  databaseUrl: string,
  logLevel: string,
): Service {
  return {
    name,
    app,
    stage: app === 'session' ? 'session' : 'contact and flow-catalog',
    address: `${HOST}:${port}`,
    env: {
      GRPC_HOST: HOST,
      GRPC_PORT: String(port),
      GRPC_REFLECTION: 'true',
      DATABASE_URL: databaseUrl,
      LOG_LEVEL: logLevel,
    },
  };
}

/** Starts a service's process and puts the supervisor in charge of it. */
export async function startService(service: Service, home: string, supervisor: Supervisor): Promise<void> {
  const program = appProgram(service.app, 'main');
  // The service reads no arguments. This one tells its process from those of other homes.
  const homeMark = `--parley-home=${home}`;
  const started = await startProcess({
    name: service.name,
    command: process.execPath,
    args: [...NODE_FLAGS, program, homeMark],
    env: { ...ALLOCATOR, ...process.env, ...service.env },
    logFile: join(home, 'logs', `${service.name}.log`),
    stopGraceMs: DRAIN_MS,
  });
  supervisor.add(service.stage, started, [program, homeMark]);
}

/**
 * Waits until a service takes requests: the gateway says so itself, for all it needs; of the others the port is
 * enough, as they listen last of all.
 * @throws Error with the end of its log after 60 s; the supervisor's reason when the stack is halted
 */
export async function waitUntilReady(service: Service, supervisor: Supervisor): Promise<void> {
  const probe = service.stage === 'gateway' ? gatewayIsReady : listens;
  const limits = { timeoutMs: READY_TIMEOUT_MS, everyMs: 100, signal: supervisor.halted };
  if ((await pollUntil(() => probe(service.address), limits)) === true) return;
  throw notReady(supervisor.get(service.name));
}

function notReady(started: StartedProcess): Error {
  const log = lastLines(started.logFile, 20).map((line) => `  ${line}`);
  const first = `${started.name} was not ready within ${READY_TIMEOUT_MS / 1_000} s. ${started.logFile} ends:`;
  return new Error([first, ...log].join('\n'));
}

async function gatewayIsReady(address: string): Promise<true | undefined> {
  try {
    const response = await fetch(`http://${address}/readyz/traffic`, { signal: AbortSignal.timeout(5_000) });
    await response.arrayBuffer();
    return response.status === 200 ? true : undefined;
  } catch {
    return undefined;
  }
}

function listens(address: string): Promise<true | undefined> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    const settle = (result: true | undefined) => () => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(1_000, settle(undefined));
    socket.once('connect', settle(true));
    socket.once('error', settle(undefined));
  });
}
