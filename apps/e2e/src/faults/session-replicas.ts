import {
  ConflictPolicy,
  SessionServiceClient,
  SessionStatus,
  type StartSessionRequest,
  type StartSessionResponse,
  type SubmitReplyRequest,
  type SubmitReplyResponse,
} from '@parley/contracts/session';
import { call, connect } from '@parley/grpc';
import { eventually } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import type { Cluster, Name } from '../cluster.ts';
import type { History } from '../history.ts';
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

  /** What a model is held against: contacts and request ids of one run's own. Replies and waits go into the history. */
  real(run: { contacts: string[]; kills: number }, history: History): Real {
    const { cluster, clients } = this;
    const tenantId = cluster.tenantIdOf();
    const prefix = uuidv7();
    const toRequest = ({ contact, key, policy }: StartOf): StartSessionRequest =>
      this.request({
        contactId: run.contacts[contact]!,
        requestId: key && `${prefix} ${key}`,
        conflictPolicy: policy,
      });
    const reply: Real['reply'] = async ({ contact, text, message }, replica) => {
      const client = clients[replica]!;
      const request: SubmitReplyRequest = {
        tenantId,
        contactId: run.contacts[contact]!,
        sessionId: '',
        waitId: 0,
        text,
        payload: '',
        messageId: message && `${prefix} ${message}`,
      };
      let answer: SubmitReplyResponse | undefined;
      const asked = { kind: 'reply', tenantId, message: request.messageId || undefined };
      const recorded = await history.record(asked, async () => {
        const { result, session } = (answer = await call(client, client.submitReply, request));
        return {
          outcome: 'ok',
          result: result.toLowerCase().replace('reply_result_', ''),
          sessionId: session?.id,
        };
      });
      if (!answer) throw new Error(`A reply was not answered: ${String(recorded.answer)}`);
      return answer;
    };
    const status = async (id: string, replica: number): Promise<SessionStatus> => {
      const { session } = await call(clients[replica]!, clients[replica]!.getSession, { tenantId, id });
      return session!.status;
    };
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
      reply,
      replyAndKill: async (one, replica) => {
        run.kills += 1;
        const lost = reply(one, replica).catch(() => undefined);
        await this.kill(replica);
        await lost;
        return reply(one, 1 - replica).finally(() => this.restart(replica));
      },
      cancel: (id, replica) => call(clients[replica]!, clients[replica]!.cancelSession, { tenantId, id }),
      passTime: async (id) => {
        await cluster.query(
          'session',
          `UPDATE sessions SET expires_at = date_trunc('milliseconds', clock_timestamp()) WHERE id = $1`,
          [id],
        );
      },
      passWait: async (id) => {
        const [wait] = await cluster.query<{ until: Date }>(
          'session',
          `UPDATE sessions SET wait_until = date_trunc('milliseconds', clock_timestamp()) WHERE id = $1
           RETURNING wait_until AS until`,
          [id],
        );
        const due = [{ id, at: wait!.until.getTime() }];
        await history.record({ kind: 'wait', tenantId }, () => Promise.resolve({ outcome: 'ok', due }));
        await eventually(async () => {
          if ((await status(id, 0)) === SessionStatus.RUNNING) throw new Error('The wait goes on');
        });
      },
      status,
    };
  }
}

function nameOf(replica: number): Name {
  return replica === 0 ? 'session' : `session-${replica + 1}`;
}
