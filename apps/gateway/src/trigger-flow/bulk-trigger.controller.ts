import { Readable } from 'node:stream';
import { Body, Controller, Headers, HttpCode, Post, Req, Res } from '@nestjs/common';
import { DomainError, invalidFields } from '@parley/errors';
import { checkItem } from '@parley/grpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Access, callerOf } from '../auth/access.ts';
import { Authenticator } from '../auth/authenticator.ts';
import { workOnArrival } from '../client-error.ts';
import { NDJSON } from '../json-body.ts';
import { BulkTriggerService, type BulkResult } from './bulk-trigger.service.ts';
import { readNdjson } from './ndjson.ts';
import { whileAdmitted } from './while-admitted.ts';

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
  private readonly authenticator: Authenticator;

  constructor(bulk: BulkTriggerService, authenticator: Authenticator) {
    this.bulk = bulk;
    this.authenticator = authenticator;
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
    @Req() request: FastifyRequest,
    @Body() body: unknown,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ results: BulkResult[] } | Readable> {
    if (key !== undefined) {
      const description = 'is for single requests; give each item an idempotency_key';
      throw invalidFields([{ field: 'Idempotency-Key', description }]);
    }
    const { tenantId } = callerOf(request);
    if (body instanceof Readable) {
      reply.type(NDJSON);
      workOnArrival(request.raw, reply.raw);
      // A body that is destroyed would take the answer with it.
      const items = readNdjson(body.iterator({ destroyOnReturn: false }));
      return this.bulk
        .trigger(
          tenantId,
          whileAdmitted(items, () => this.authenticator.confirm(request)),
        )
        .map((result) => `${JSON.stringify(result)}\n`);
    }
    const batch = checkItem(bulkRequest, body);
    if (batch instanceof DomainError) throw batch;
    return { results: (await this.bulk.trigger(tenantId, batch.items).toArray()) as BulkResult[] };
  }
}
