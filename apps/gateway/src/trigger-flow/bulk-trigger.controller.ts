import { Readable } from 'node:stream';
import { Body, Controller, Headers, HttpCode, Post, Res } from '@nestjs/common';
import { DomainError, invalidFields } from '@parley/errors';
import { checkItem } from '@parley/grpc';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { NDJSON } from '../json-body.ts';
import { BulkTriggerService, type BulkResult } from './bulk-trigger.service.ts';
import { readNdjson } from './ndjson.ts';

const MAX_ITEMS = 1_000;

/** Each item is checked by itself, so that a bad one fails alone. */
const bulkRequest = z.object({
  items: z
    .array(z.unknown(), 'must be an array')
    .min(1, 'must not be empty')
    .max(MAX_ITEMS, `must not be more than ${MAX_ITEMS}; send more as ${NDJSON}`),
});

@Controller('actions')
export class BulkTriggerController {
  private readonly bulk: BulkTriggerService;

  constructor(bulk: BulkTriggerService) {
    this.bulk = bulk;
  }

  /**
   * Triggers many: 200 with a result per item, in order, each with the status and body of the single call.
   * {"items": [{"flow_id": "…", "phone": "+14155550123", "idempotency_key": "cart 42"}]}
   * As application/x-ndjson: an item a line, any number of them; the results come as lines while the items are read.
   */
  @Post('trigger-flow/batch')
  @HttpCode(200)
  @Access('trigger', { bulk: true })
  async triggerFlows(
    @CurrentCaller() caller: Caller,
    @Body() body: unknown,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ results: BulkResult[] } | Readable> {
    if (key !== undefined) {
      const description = 'is for single requests; give each item an idempotency_key';
      throw invalidFields([{ field: 'Idempotency-Key', description }]);
    }
    if (body instanceof Readable) {
      reply.type(NDJSON);
      return this.bulk
        .trigger(caller.tenantId, readNdjson(body))
        .map((result) => `${JSON.stringify(result)}\n`);
    }
    const request = checkItem(bulkRequest, body);
    if (request instanceof DomainError) throw request;
    return { results: (await this.bulk.trigger(caller.tenantId, request.items).toArray()) as BulkResult[] };
  }
}
