import {
  ConflictPolicy,
  SessionServiceClient,
  type SessionStatus,
  type StartSessionRequest,
  type StartSessionResponse,
} from '@parley/contracts/session';
import { call, connect } from '@parley/grpc';
import { eventually } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import type { Cluster, Name } from '../cluster.ts';
import type { Real, StartOf } from './session-model.ts';

/** The session service's replicas, each called by name instead of in turn. They are numbered from 0. */
export class SessionReplicas {
  readonly clients: SessionServiceClient[];
  private readonly cluster: Cluster;
  private readonly flow: string;

  constructor(cluster: Cluster, flow: string) {
    this.cluster = cluster;
    this.flow = flow;
    const addresses = cluster.targetOf('session').slice('ipv4:'.length).split(',');
    this.clients = addresses.map((address) => connect(SessionServiceClient, address));
  }

  /** A start for a new contact, unless told otherwise. */
  request(change: Partial<StartSessionRequest> = {}): StartSessionRequest {
    return {
      tenantId: this.cluster.tenantIdOf(),
      flowId: this.flow,
      flowVersion: 1,
      contactId: uuidv7(),
      context: '{}',
      contact: undefined,
      requestId: '',
      requestFingerprint: Buffer.alloc(0),
      conflictPolicy: ConflictPolicy.UNSPECIFIED,
      validateOnly: false,
      ...change,
    };
  }

  start(replica: number, request = this.request()): Promise<StartSessionResponse> {
    const client = this.clients[replica]!;
    return call(client, client.startSession, request);
  }

  /** kill -9. */
  async kill(replica: number): Promise<void> {
    await this.cluster.kill(nameOf(replica));
  }

  /** Starts a killed replica again, and waits until it answers here. */
  async restart(replica: number): Promise<void> {
    await this.cluster.restart(nameOf(replica));
    const client = this.clients[replica]!;
    const nobody = { tenantId: uuidv7(), flowId: uuidv7() };
    await eventually(() => call(client, client.countSessions, nobody));
  }

  close(): void {
    for (const client of this.clients) client.close();
  }

  /** What a model is held against: contacts and request ids of one run's own. */
  real(run: { contacts: string[]; kills: number }): Real {
    const { cluster, clients } = this;
    const tenantId = cluster.tenantIdOf();
    const prefix = uuidv7();
    const toRequest = ({ contact, key, policy }: StartOf): StartSessionRequest =>
      this.request({
        contactId: run.contacts[contact]!,
        requestId: key && `${prefix} ${key}`,
        conflictPolicy: policy,
      });
    const list = async (contact: number, replica: number): Promise<string[]> => {
      const filter = { tenantId, flowId: '', contactId: run.contacts[contact]!, statuses: [] };
      const client = clients[replica]!;
      const page = await call(client, client.listSessions, { ...filter, pageSize: 100, pageToken: '' });
      return page.sessions.map(({ id }) => id);
    };
    return {
      list,
      start: (one, replica) => this.start(replica, toRequest(one)),
      startAndKill: async (one, replica) => {
        run.kills += 1;
        const lost = this.start(replica, toRequest(one)).catch(() => undefined);
        await this.kill(replica);
        await lost;
        return this.start(1 - replica, toRequest(one)).finally(() => this.restart(replica));
      },
      cancel: (id, replica) => call(clients[replica]!, clients[replica]!.cancelSession, { tenantId, id }),
      passTime: async (id) => {
        await cluster.query(
          'session',
          `UPDATE sessions SET expires_at = date_trunc('milliseconds', clock_timestamp()) WHERE id = $1`,
          [id],
        );
      },
      status: async (id, replica): Promise<SessionStatus> => {
        const { session } = await call(clients[replica]!, clients[replica]!.getSession, { tenantId, id });
        return session!.status;
      },
    };
  }
}

function nameOf(replica: number): Name {
  return replica === 0 ? 'session' : `session-${replica + 1}`;
}
