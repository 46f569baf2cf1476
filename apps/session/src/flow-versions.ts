import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FlowCatalogServiceClient } from '@parley/contracts/flow-catalog';
import { DomainError } from '@parley/errors';
import { call } from '@parley/grpc';
import { currentRequest, runInRequest } from '@parley/service';
import { LRUCache } from 'lru-cache';

/** What a start needs of a published version. */
export interface StartableVersion {
  flowName: string;
  ttlMinutes: number;
  entryNodeId: string;
}

const MAX_CACHED = 10_000;
/** Half of what a start may take: the other items of its batch wait for it, and have theirs still to do. */
const READ_LIMIT_MS = 1_000;

/** Published versions, read from flow-catalog once: they never change. */
@Injectable()
export class FlowVersions {
  private readonly cache: LRUCache<
    string,
    StartableVersion,
    { tenantId: string; flowId: string; version: number }
  >;

  constructor(flowCatalog: FlowCatalogServiceClient) {
    this.cache = new LRUCache({
      max: MAX_CACHED,
      // A failure is not remembered.
      fetchMethod: async (_key, _stale, { context: { tenantId, flowId, version } }) => {
        const requestId = currentRequest()?.requestId ?? randomUUID();
        // Callers that ask for the same version share this call, so it does not end at the deadline of the first.
        const response = await runInRequest({ requestId, deadline: Date.now() + READ_LIMIT_MS }, () =>
          call(flowCatalog, flowCatalog.getFlowVersion, { tenantId, flowId, version }),
        );
        const found = response.version!;
        return {
          flowName: found.name,
          ttlMinutes: found.settings!.sessionTtlMinutes,
          entryNodeId: found.entryNodeId,
        };
      },
    });
  }

  /** Fails with FLOW_VERSION_NOT_FOUND, FLOW_HAS_NO_ENTRY_NODE, UNAVAILABLE. */
  async get(tenantId: string, flowId: string, version: number): Promise<StartableVersion> {
    const found = await this.fetch(tenantId, flowId, version);
    if (found.entryNodeId === '') {
      throw new DomainError('failed_precondition', 'FLOW_HAS_NO_ENTRY_NODE', 'Flow has no entry node');
    }
    return found;
  }

  private async fetch(tenantId: string, flowId: string, version: number): Promise<StartableVersion> {
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
