import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import {
  FlowCatalogServiceService,
  type FlowVersion,
  type GetFlowVersionRequest,
  type GetFlowVersionResponse,
} from '@parley/contracts/flow-catalog';
import {
  ConflictPolicy,
  SessionServiceClient,
  type BatchStartSessionsResponse,
  type StartSessionRequest,
  type StartSessionResponse,
} from '@parley/contracts/session';
import { DomainError } from '@parley/errors';
import { call, connect, toServiceError } from '@parley/grpc';
import { migrate } from '@parley/postgres';
import { Logger, readSettings, type RunningService } from '@parley/service';
import { createTestDatabase, eventually, freePort, NATS_URL, type TestDatabase } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { startSessionService } from '../app.module.ts';
import { sessionConfig } from '../config.ts';
import { migrations } from '../migrations/index.ts';

/** Answers lost in a row, before insist gives up. */
const MAX_LOST = 20;

/** A flow that asks nothing and says nothing: its sessions rest until they expire. */
const SILENT_FLOW = {
  nodes: [
    { id: 'start', type: 'entry' },
    { id: 'rest', type: 'delay', data: { minutes: 1440 } },
  ],
  edges: [{ source: 'start', target: 'rest' }],
};

/** Stands in for flow-catalog, which another team owns: it knows the versions it was told of. */
export class FakeFlowCatalog {
  private readonly versions = new Map<string, FlowVersion>();
  private readonly server = new Server();
  address = '';

  async listen(): Promise<void> {
    const getFlowVersion = (
      { request }: ServerUnaryCall<GetFlowVersionRequest, GetFlowVersionResponse>,
      reply: sendUnaryData<GetFlowVersionResponse>,
    ): void => {
      const version = this.versions.get(`${request.tenantId} ${request.flowId} ${request.version}`);
      if (version) reply(null, { version });
      else
        reply(
          toServiceError(
            new DomainError('not_found', 'FLOW_VERSION_NOT_FOUND', 'No such version'),
            'parley.flow_catalog.v1',
          ),
        );
    };
    this.server.addService(FlowCatalogServiceService, { getFlowVersion });
    const port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    this.address = `127.0.0.1:${port}`;
  }

  publish(tenantId: string, flowId: string, change: Partial<FlowVersion> = {}): void {
    const version: FlowVersion = {
      tenantId,
      flowId,
      version: 1,
      name: 'Abandoned cart 30min',
      definition: JSON.stringify(SILENT_FLOW),
      settings: { sessionTtlMinutes: 30, channel: '' },
      entryNodeId: 'start',
      publishedAt: new Date(),
      ...change,
    };
    this.versions.set(`${tenantId} ${flowId} ${version.version}`, version);
  }

  close(): void {
    this.server.forceShutdown();
  }
}

/** A session service on a database of its own, with as many replicas as the test wants. */
export class SessionApp {
  readonly database: TestDatabase;
  readonly flowCatalog: FakeFlowCatalog;
  readonly clients: SessionServiceClient[] = [];
  private readonly replicas: RunningService[] = [];

  private constructor(database: TestDatabase, flowCatalog: FakeFlowCatalog) {
    this.database = database;
    this.flowCatalog = flowCatalog;
  }

  static async create(): Promise<SessionApp> {
    const flowCatalog = new FakeFlowCatalog();
    const [database] = await Promise.all([createTestDatabase(migrations, migrate), flowCatalog.listen()]);
    return new SessionApp(database, flowCatalog);
  }

  /** Settings as in the environment, e.g. { EXPIRER: 'false' }. */
  async addReplica(settings: Record<string, string> = {}): Promise<RunningService> {
    const env = {
      DATABASE_URL: this.database.url,
      NATS_URL: process.env[NATS_URL],
      FLOW_CATALOG_ADDRESS: this.flowCatalog.address,
      GRPC_PORT: String(await freePort()),
      ...settings,
    };
    const service = await startSessionService(
      readSettings(sessionConfig, env),
      new Logger('session', 'fatal'),
    );
    this.replicas.push(service);
    this.clients.push(connect(SessionServiceClient, service.address));
    return service;
  }

  /** Ends one replica, whose callers stay connected. */
  async closeReplica(replica: RunningService): Promise<void> {
    this.replicas.splice(this.replicas.indexOf(replica), 1);
    await replica.close();
  }

  async closeReplicas(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
    await Promise.all(this.replicas.splice(0).map((replica) => replica.close()));
  }

  get client(): SessionServiceClient {
    return this.clients[0]!;
  }

  start(request: StartSessionRequest, client = this.client): Promise<StartSessionResponse> {
    return call(client, client.startSession, request);
  }

  startAll(requests: StartSessionRequest[], client = this.client): Promise<BatchStartSessionsResponse> {
    return call(client, client.batchStartSessions, { requests });
  }

  /** Until so many statements of the service wait for a lock, or sleep. */
  async waitsFor(kind: 'Lock' | 'Timeout', count = 1): Promise<void> {
    await eventually(async () => {
      const waiting = await this.database.query(
        `SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'session' AND wait_event_type = $1`,
        [kind],
      );
      if (waiting.length < count) throw new Error(`${waiting.length} statements wait`);
    });
  }

  /** Puts the end of a session's time where the test wants it. */
  async setExpiry(sessionId: string, fromNow: string): Promise<void> {
    await this.database.query(
      `UPDATE sessions SET created_at = created_at - interval '1 day', expires_at = clock_timestamp() + $2::interval WHERE id = $1`,
      [sessionId, fromNow],
    );
  }

  async close(): Promise<void> {
    await this.closeReplicas();
    this.flowCatalog.close();
    await this.database.drop();
  }
}

/**
 * Asks as a caller who tries again while it is told "unavailable", e.g. because the machine is busy. Also gives how
 * many answers were lost: what was asked for may have been done all the same.
 */
export async function insist<T>(ask: () => Promise<T>): Promise<{ answer: T; lost: number }> {
  for (let lost = 0; ; lost++) {
    try {
      return { answer: await ask(), lost };
    } catch (error) {
      if (!(error instanceof DomainError && error.kind === 'unavailable') || lost === MAX_LOST) throw error;
    }
    // A little longer each time, so that abandoned calls do not pile up.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 200 * (lost + 1)));
  }
}

/** A start of a published flow in a tenant of its own. */
export function newStart(app: SessionApp, change: Partial<StartSessionRequest> = {}): StartSessionRequest {
  const request = {
    tenantId: uuidv7(),
    flowId: uuidv7(),
    flowVersion: 1,
    contactId: uuidv7(),
    context: '{"cart_id":"987654321"}',
    requestId: '',
    requestFingerprint: Buffer.alloc(0),
    conflictPolicy: ConflictPolicy.UNSPECIFIED,
    validateOnly: false,
    contact: undefined,
    ...change,
  };
  app.flowCatalog.publish(request.tenantId, request.flowId);
  return request;
}
