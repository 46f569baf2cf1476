import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FlowCatalogServiceClient } from '@parley/contracts/flow-catalog';
import { DomainError } from '@parley/errors';
import { compileFlow, flowWeight, type CompiledFlow } from '@parley/flow-engine';
import { call } from '@parley/grpc';
import { currentRequest, runInRequest, type WorkingTime } from '@parley/service';
import { LRUCache } from 'lru-cache';

/** Of the versions kept ready, in all; what was asked for longest ago goes first. A node takes about 1 KiB, some far more. */
const MAX_CACHED_BYTES = 50 * 1024 * 1024;
/** Half of what a start may take: the other items of its batch wait for it, and have theirs still to do. */
const READ_LIMIT_MS = 1_000;

/** Published versions, read from flow-catalog and compiled once: they never change. */
@Injectable()
export class FlowVersions {
  private readonly cache: LRUCache<
    string,
    CompiledFlow,
    { tenantId: string; flowId: string; version: number }
  >;

  constructor(flowCatalog: FlowCatalogServiceClient, time: WorkingTime) {
    this.cache = new LRUCache({
      maxSize: MAX_CACHED_BYTES,
      sizeCalculation: (flow) => flowWeight(flow),
      // One that is read while others push it out is had all the same.
      ignoreFetchAbort: true,
      // A failure is not remembered.
      fetchMethod: async (_key, _stale, { context: { tenantId, flowId, version } }) => {
        const requestId = currentRequest()?.requestId ?? randomUUID();
        // Callers that ask for the same version share this call, so it does not end at the deadline of the first.
        const response = await runInRequest({ requestId, deadline: Date.now() + READ_LIMIT_MS }, () =>
          call(flowCatalog, flowCatalog.getFlowVersion, { tenantId, flowId, version }),
        );
        const found = response.version!;
        const { sessionTtlMinutes, channel } = found.settings!;
        const facts = { id: flowId, name: found.name, version, sessionTtlMinutes, channel };
        return time.use(tenantId, () => compileFlow(JSON.parse(found.definition), facts));
      },
    });
  }

  /** Fails with FLOW_VERSION_NOT_FOUND, FLOW_HAS_NO_ENTRY_NODE, UNAVAILABLE. */
  async getStartable(tenantId: string, flowId: string, version: number): Promise<CompiledFlow> {
    const found = await this.get(tenantId, flowId, version);
    if (found.entryNodeId === undefined) {
      throw new DomainError('failed_precondition', 'FLOW_HAS_NO_ENTRY_NODE', 'Flow has no entry node');
    }
    return found;
  }

  /** Fails with FLOW_VERSION_NOT_FOUND, UNAVAILABLE. */
  async get(tenantId: string, flowId: string, version: number): Promise<CompiledFlow> {
    try {
      const key = `${tenantId} ${flowId} ${version}`;
      return await this.cache.forceFetch(key, { context: { tenantId, flowId, version } });
    } catch (error) {
      if (error instanceof DomainError && error.kind === 'not_found') {
        throw new DomainError('not_found', 'FLOW_VERSION_NOT_FOUND', 'No such version of this flow');
      }
      throw error;
    }
  }
}
