import { Injectable } from '@nestjs/common';
import type { PublishedFlow } from '@parley/contracts/flow-catalog';
import { DomainError } from '@parley/errors';
import { checkItem, decodePageToken, splitPage } from '@parley/grpc';
import { Database } from '@parley/postgres';
import { WorkingTime } from '@parley/service';
import { In } from 'typeorm';
import { compareFlows, type FlowContent, type FlowDifference } from './compare-flows.ts';
import { flowNotFound, versionNotFound } from './flow.ts';
import { FlowEntity } from './flow.entity.ts';
import {
  getPublishedFlowRequest,
  type CompareFlowVersions,
  type GetFlowVersion,
  type GetPublishedFlow,
  type ListFlowVersions,
} from './flow.requests.ts';
import { FlowVersionEntity } from './flow-version.entity.ts';
import { rowsOfPage } from './page-bytes.ts';

/** More than any version. */
const MAX_VERSION = 2_147_483_647;

/** A flow with its published version, if it has one. */
interface Candidate {
  tenantId: string;
  flowId: string;
  version: number | null;
  name: string | null;
  entryNodeId: string | null;
  readsContact: boolean | null;
}

/** Reads published versions: what triggers and sessions ask for. */
@Injectable()
export class PublishedFlows {
  private readonly database: Database;
  private readonly time: WorkingTime;

  constructor(database: Database, time: WorkingTime) {
    this.database = database;
    this.time = time;
  }

  /** One outcome per request, in order; one statement for all. */
  async find(requests: unknown[]): Promise<(PublishedFlow | DomainError)[]> {
    const items = requests.map((request) => checkItem(getPublishedFlowRequest, request));
    const valid = items.filter((item): item is GetPublishedFlow => !(item instanceof DomainError));
    const candidates = await this.findCandidates(valid);
    return items.map((item) => (item instanceof DomainError ? item : startable(candidates.get(keyOf(item)))));
  }

  async version({ tenantId, flowId, version }: GetFlowVersion): Promise<FlowVersionEntity> {
    const found = await this.database.read((manager) =>
      manager.findOneBy(FlowVersionEntity, { tenantId, flowId, version }),
    );
    if (!found) throw versionNotFound();
    return found;
  }

  /** What is different between two versions; 0 is the draft. */
  async compare({
    tenantId,
    flowId,
    fromVersion,
    toVersion,
  }: CompareFlowVersions): Promise<FlowDifference[]> {
    return this.database.read(async (manager) => {
      const flow = await manager.findOneBy(FlowEntity, { tenantId, id: flowId });
      if (!flow) throw flowNotFound();
      const read = async (version: number): Promise<FlowContent> => {
        if (version === 0) return { ...flow, definition: flow.draftDefinition };
        const found = await manager.findOneBy(FlowVersionEntity, { tenantId, flowId, version });
        if (!found) throw versionNotFound();
        return found;
      };
      const [before, after] = [await read(fromVersion), await read(toVersion)];
      return this.time.use(tenantId, () => compareFlows(before, after));
    });
  }

  async versions(request: ListFlowVersions): Promise<{ page: FlowVersionEntity[]; next: string }> {
    const { tenantId, flowId, pageSize } = request;
    const before = Number(decodePageToken(request.pageToken, /^[1-9]\d{0,8}$/) ?? MAX_VERSION);
    // As in FlowService.list.
    const rows = await this.database.query<{ version: number; bytes: number }>(
      `SELECT version, octet_length(definition) AS bytes FROM flow_versions
       WHERE tenant_id = $1 AND flow_id = $2 AND version < $3 ORDER BY version DESC LIMIT $4`,
      [tenantId, flowId, before, pageSize + 1],
    );
    const { page, next } = splitPage(rows, rowsOfPage(rows, pageSize), ({ version }) => String(version));
    const versions = await this.database.read(async (manager) => {
      if (!(await manager.existsBy(FlowEntity, { tenantId, id: flowId }))) throw flowNotFound();
      return manager.find(FlowVersionEntity, {
        where: { tenantId, flowId, version: In(page.map(({ version }) => version)) },
        order: { version: 'DESC' },
      });
    });
    return { page: versions, next };
  }

  private async findCandidates(items: GetPublishedFlow[]): Promise<Map<string, Candidate>> {
    if (items.length === 0) return new Map();
    const candidates = await this.database.query<Candidate>(
      `SELECT f.tenant_id AS "tenantId", f.id AS "flowId", v.version, v.name, v.entry_node_id AS "entryNodeId",
              v.reads_contact AS "readsContact"
       FROM flows f LEFT JOIN flow_versions v
         ON v.tenant_id = f.tenant_id AND v.flow_id = f.id AND v.version = f.published_version
       WHERE (f.tenant_id, f.id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))`,
      [items.map((item) => item.tenantId), items.map((item) => item.flowId)],
    );
    return new Map(candidates.map((candidate) => [keyOf(candidate), candidate]));
  }
}

function startable(candidate: Candidate | undefined): PublishedFlow | DomainError {
  if (!candidate || candidate.version === null || candidate.name === null) {
    return new DomainError('not_found', 'FLOW_NOT_PUBLISHED', 'Flow not found or not published');
  }
  const { tenantId, flowId, version, name, entryNodeId, readsContact } = candidate;
  if (entryNodeId === '') {
    return new DomainError('failed_precondition', 'FLOW_HAS_NO_ENTRY_NODE', 'Flow has no entry node');
  }
  return { tenantId, flowId, version, name, readsContact: readsContact ?? true };
}

function keyOf({ tenantId, flowId }: GetPublishedFlow): string {
  return `${tenantId} ${flowId}`;
}
