import { Injectable } from '@nestjs/common';
import type { FlowProblem } from '@parley/flow-engine';
import { decodePageToken, splitPage, UUID_KEY } from '@parley/grpc';
import { Database, sql } from '@parley/postgres';
import { In, LessThan, Not, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { archive, editDraft, flowNotFound, publish, unpublish } from './flow.ts';
import { FlowEntity, type FlowState } from './flow.entity.ts';
import type { CreateFlow, FlowRequest, ListFlows, UpdateFlow } from './flow.requests.ts';
import { FlowVersionEntity } from './flow-version.entity.ts';

/** Makes, changes and publishes flows; PublishedFlows serves triggers. */
@Injectable()
export class FlowService {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async create({ tenantId, name, definition, settings }: CreateFlow): Promise<FlowEntity> {
    const { sessionTtlMinutes } = settings;
    return this.database.transaction((tx) => {
      const flow = tx.create(FlowEntity, {
        tenantId,
        id: uuidv7(),
        name,
        triggerType: 'api',
        status: 'draft',
        draftDefinition: definition,
        sessionTtlMinutes,
        latestVersion: 0,
        publishedVersion: null,
        publishedAt: null,
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
    request: ListFlows,
    state: FlowState | undefined,
  ): Promise<{ page: FlowEntity[]; next: string }> {
    const after = decodePageToken(request.pageToken, UUID_KEY);
    const flows = await this.database.read((manager) =>
      manager.find(FlowEntity, {
        where: {
          tenantId: request.tenantId,
          status: state === undefined ? Not(In(['archived'])) : state,
          ...(after !== undefined && { id: LessThan(after) }),
        },
        order: { id: 'DESC' },
        take: request.pageSize + 1,
      }),
    );
    return splitPage(flows, request.pageSize, (flow) => flow.id);
  }

  async update(request: UpdateFlow): Promise<FlowEntity> {
    const { name, definition, settings } = request;
    return this.change(request, (flow) =>
      editDraft(flow, { name, definition, sessionTtlMinutes: settings?.sessionTtlMinutes }),
    );
  }

  async publish({ tenantId, id }: FlowRequest): Promise<{ flow: FlowEntity; warnings: FlowProblem[] }> {
    return this.database.transaction(async (tx) => {
      const flow = await lock(tx, { tenantId, id });
      const [clock] = await sql<{ now: Date }>(tx, 'SELECT now()');
      const current =
        flow.publishedVersion === null
          ? null
          : await tx.findOneBy(FlowVersionEntity, { tenantId, flowId: id, version: flow.publishedVersion });
      const { version, warnings } = publish(flow, current, clock!.now);
      if (version) await tx.insert(FlowVersionEntity, version);
      return { flow: await tx.save(flow), warnings };
    });
  }

  async unpublish(request: FlowRequest): Promise<FlowEntity> {
    return this.change(request, unpublish);
  }

  async archive(request: FlowRequest): Promise<FlowEntity> {
    return this.change(request, archive);
  }

  private async change({ tenantId, id }: FlowRequest, verb: (flow: FlowEntity) => void): Promise<FlowEntity> {
    return this.database.transaction(async (tx) => {
      const flow = await lock(tx, { tenantId, id });
      verb(flow);
      return tx.save(flow);
    });
  }
}

async function lock(tx: EntityManager, where: FlowRequest): Promise<FlowEntity> {
  const flow = await tx.findOne(FlowEntity, { where, lock: { mode: 'pessimistic_write' } });
  if (!flow) throw flowNotFound();
  return flow;
}
