import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { DomainError, invalidFields } from '@parley/errors';
import { toFieldProblems } from '@parley/grpc';
import { currentRequest, Logger, runInRequest, type RequestContext } from '@parley/service';
import { z } from 'zod';
import { answerTo } from '../error.answer.ts';
import { toDryRun } from './dry-run.view.ts';
import { idempotencyKey, triggerFlowRequest } from './trigger-flow.request.ts';
import { toTriggered, TriggerFlowService } from './trigger-flow.service.ts';

/** What became of one item: the status and body that the single call would have answered. */
export interface BulkResult {
  status: number;
  body: object;
  /** The answer of an earlier request with the same key. */
  replayed?: true;
}

/** Items of one bulk request under way at the same time. Single triggers go on beside them. */
const CONCURRENCY = 256;
/** Each item has as long as a single call has (P10). */
const ITEM_DEADLINE_MS = 2_000;

const keyOfItem = z.object({ idempotency_key: idempotencyKey.nullable() });

/** Triggers many items, each as a single call would: one that fails leaves the others alone. */
@Injectable()
export class BulkTriggerService {
  private readonly triggers: TriggerFlowService;
  private readonly logger: Logger;

  constructor(triggers: TriggerFlowService, logger: Logger) {
    this.triggers = triggers;
    this.logger = logger;
  }

  /** A result per item, in their order. Reads on only as results are taken. An item may be an error of its own. */
  trigger(tenantId: string, items: Iterable<unknown> | AsyncIterable<unknown>): Readable {
    // A stream ends at null, which an item may be.
    return Readable.from(wrapped(items)).map(
      ({ item }: { item: unknown }) => this.inItsOwnTime(tenantId, item),
      { concurrency: CONCURRENCY },
    );
  }

  private inItsOwnTime(tenantId: string, item: unknown): Promise<BulkResult> {
    const request = currentRequest()!;
    const context: RequestContext = {
      ...request,
      deadline: Date.now() + ITEM_DEADLINE_MS,
      // The caller may go while the item is under way.
      get cancelled() {
        return request.cancelled === true;
      },
    };
    return runInRequest(context, () => this.triggerItem(tenantId, item));
  }

  private async triggerItem(tenantId: string, item: unknown): Promise<BulkResult> {
    try {
      if (item instanceof Error) throw item;
      const { request, key } = parseItem(item);
      const outcome = await this.triggers.trigger(tenantId, request, key);
      if (request.dry_run === true) return { status: 200, body: toDryRun(outcome) };
      const body = toTriggered(outcome.session);
      const status = body.status === 'started' ? 201 : 200;
      return { status, body, ...(outcome.session.replayed && { replayed: true }) };
    } catch (error) {
      const { status, body } = answerTo(this.toDomainError(error));
      return { status, body };
    }
  }

  private toDomainError(error: unknown): DomainError {
    if (error instanceof DomainError) return error;
    this.logger.error('Unexpected error', { error });
    return new DomainError('internal', 'INTERNAL', 'Internal error');
  }
}

async function* wrapped(
  items: Iterable<unknown> | AsyncIterable<unknown>,
): AsyncGenerator<{ item: unknown }> {
  for await (const item of items) yield { item };
}

function parseItem(item: unknown): { request: z.output<typeof triggerFlowRequest>; key: string | undefined } {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    throw invalidFields([{ field: '', description: 'must be a JSON object' }]);
  }
  const request = triggerFlowRequest.safeParse(item);
  const key = keyOfItem.safeParse(item);
  const issues = [...(request.error?.issues ?? []), ...(key.error?.issues ?? [])];
  if (!request.success || !key.success) throw invalidFields(toFieldProblems(issues));
  return { request: request.data, key: key.data.idempotency_key ?? undefined };
}
