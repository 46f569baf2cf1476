import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Outbox } from '@parley/events';
import type { FlowProblem } from '@parley/flow-engine';
import { decodePageToken, splitPage, UUID_KEY } from '@parley/grpc';
import { Database, sql } from '@parley/postgres';
import { WorkingTime } from '@parley/service';
import { In, type EntityManager } from 'typeorm';
import { archive, editDraft, flowNotFound, publish, republish, unpublish, versionNotFound } from './flow.ts';
import { flowPublished, flowUnpublished } from './flow.events.ts';
import { FlowEntity, type FlowState } from './flow.entity.ts';
import type { CreateFlow, FlowRequest, GetFlowVersion, ListFlows, UpdateFlow } from './flow.requests.ts';
import { FlowVersionEntity } from './flow-version.entity.ts';
import { rowsOfPage } from './page-bytes.ts';

const MAX_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Makes, changes and publishes flows; PublishedFlows serves triggers. */
@Injectable()
export class FlowService {
  private readonly database: Database;
  private readonly outbox: Outbox;
  private readonly time: WorkingTime;

  constructor(database: Database, outbox: Outbox, time: WorkingTime) {
    this.database = database;
    this.outbox = outbox;
    this.time = time;
  }

  async create({ tenantId, name, definition, settings }: CreateFlow): Promise<FlowEntity> {
    return this.database.transaction((tx) => {
      const flow = tx.create(FlowEntity, {
        tenantId,
        id: randomUUIDv7(),
        name,
        triggerType: 'api',
        status: 'draft',
        draftDefinition: definition,
        ...settings,
        latestVersion: 0,
        publishedVersion: null,
        publishedAt: null,
        eventSequence: 0,
      });
      return tx.save(flow);
    });
  }

  async get({ tenantId, id }: FlowRequest): Promise<FlowEntity> {
    const flow = await this.database.read((manager) => manager.findOneBy(FlowEntity, { tenantId, id }));
    if (!flow) throw flowNotFound();
    return flow;
  }

  /** Without a state: all but archived ones. */
  async list(
    { tenantId, pageSize, pageToken }: ListFlows,
    state: FlowState | undefined,
  ): Promise<{ page: FlowEntity[]; next: string }> {
    const states: FlowState[] = state === undefined ? ['draft', 'published'] : [state];
    // What a definition takes is known without reading it: only those of the page are.
    const rows = await this.database.query<{ id: string; bytes: number }>(
      `SELECT id, octet_length(draft_definition) AS bytes FROM flows
       WHERE tenant_id = $1 AND id < $2 AND status = ANY ($3) ORDER BY id DESC LIMIT $4`,
      [tenantId, decodePageToken(pageToken, UUID_KEY) ?? MAX_UUID, states, pageSize + 1],
    );
    const { page, next } = splitPage(rows, rowsOfPage(rows, pageSize), ({ id }) => id);
    const flows = await this.database.read((manager) =>
      manager.find(FlowEntity, {
        where: { tenantId, id: In(page.map(({ id }) => id)), status: In(states) },
        order: { id: 'DESC' },
      }),
    );
    return { page: flows, next };
  }

  async update(request: UpdateFlow): Promise<FlowEntity> {
    const { tenantId, id, name, definition, settings, settingsChange } = request;
    const sessionTtlMinutes = settingsChange?.sessionTtlMinutes ?? settings?.sessionTtlMinutes;
    const channel = settingsChange?.channel ?? settings?.channel;
    return this.database.transaction(async (tx) => {
      const flow = await lock(tx, { tenantId, id });
      editDraft(flow, { name, definition, sessionTtlMinutes, channel });
      return tx.save(flow);
    });
  }

  async publish({ tenantId, id }: FlowRequest): Promise<{ flow: FlowEntity; warnings: FlowProblem[] }> {
    return this.outbox.transaction(async (tx, tell) => {
      const flow = await lock(tx, { tenantId, id });
      const [before, now] = [await publishedVersion(tx, flow), await clock(tx)];
      const { version, warnings } = this.time.use(tenantId, () => publish(flow, before, now));
      if (version) {
        await tx.insert(FlowVersionEntity, version);
        await tell([flowPublished(flow, version)]);
      }
      return { flow: await tx.save(flow), warnings };
    });
  }

  async republish({ tenantId, flowId, version: number }: GetFlowVersion): Promise<FlowEntity> {
    return this.outbox.transaction(async (tx, tell) => {
      const flow = await lock(tx, { tenantId, id: flowId });
      const earlier = await tx.findOneBy(FlowVersionEntity, { tenantId, flowId, version: number });
      if (!earlier) throw versionNotFound();
      const version = republish(flow, earlier, await publishedVersion(tx, flow), await clock(tx));
      if (version) {
        await tx.insert(FlowVersionEntity, version);
        await tell([flowPublished(flow, version)]);
      }
      return tx.save(flow);
    });
  }

  async unpublish(request: FlowRequest): Promise<FlowEntity> {
    return this.retire(request, unpublish);
  }

  async archive(request: FlowRequest): Promise<FlowEntity> {
    return this.retire(request, archive);
  }

  private async retire({ tenantId, id }: FlowRequest, verb: (flow: FlowEntity) => void): Promise<FlowEntity> {
    return this.outbox.transaction(async (tx, tell) => {
      const flow = await lock(tx, { tenantId, id });
      const version = await publishedVersion(tx, flow);
      verb(flow);
      if (version) await tell([flowUnpublished(flow, version, await clock(tx))]);
      return tx.save(flow);
    });
  }
}

async function lock(tx: EntityManager, where: FlowRequest): Promise<FlowEntity> {
  const flow = await tx.findOne(FlowEntity, { where, lock: { mode: 'pessimistic_write' } });
  if (!flow) throw flowNotFound();
  return flow;
}

/** The version that starts now, or null. */
async function publishedVersion(tx: EntityManager, flow: FlowEntity): Promise<FlowVersionEntity | null> {
  const { tenantId, id: flowId, publishedVersion: version } = flow;
  return version === null ? null : tx.findOneBy(FlowVersionEntity, { tenantId, flowId, version });
}

/** Once the flow is locked: so the times of its events are in the order of their numbers. */
async function clock(tx: EntityManager): Promise<Date> {
  const [row] = await sql<{ now: Date }>(tx, 'SELECT clock_timestamp() AS now');
  return row!.now;
}
