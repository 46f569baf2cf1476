import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Batcher } from '@parley/batching';
import {
  ContactServiceClient,
  ContactView,
  type ResolveContactRequest,
  type ResolvedContact,
} from '@parley/contracts/contact';
import {
  FlowCatalogServiceClient,
  type GetPublishedFlowRequest,
  type PublishedFlow,
} from '@parley/contracts/flow-catalog';
import {
  SessionServiceClient,
  type GetStartRequest,
  type StartSessionRequest,
  type StartSessionResponse,
} from '@parley/contracts/session';
import type { DomainError } from '@parley/errors';
import { call, settle } from '@parley/grpc';
import { currentRequest, Metrics, runInRequest } from '@parley/service';
import { PublishedFlowCache } from './published-flow-cache.ts';
import { ITEM_BYTES, sizeOfStart } from './start-size.ts';

/** The provider of TRIGGER_BATCH_SIZE. */
export const BATCH_SIZE = Symbol('BATCH_SIZE');

/** Of each kind of call. */
const LIMITS = {
  // Services take messages of 4 MiB. What else an item holds is a few UUIDs.
  maxBytes: 3 * 1024 * 1024,
  sizeOf: () => ITEM_BYTES,
  maxWaiting: 5_000,
};
const MAX_BATCHES = 4;
/** Measured: below it a second batch costs more than it gains (docs/performance.md). */
const MIN_ITEMS_BESIDE = 32;
const MAX_SINGLE_CALLS = 256;
/** Of a request without one; there is none today. */
const DEFAULT_DEADLINE_MS = 2_000;

/** The calls of a trigger, each batched with those of other triggers. */
@Injectable()
export class BatchedCalls {
  private readonly flows: PublishedFlowCache;
  /** By how much of a contact is asked for. */
  private readonly contacts: Record<
    ContactView.BASIC | ContactView.FULL,
    Batcher<ResolveContactRequest, ResolvedContact>
  >;
  private readonly sessions: Batcher<StartSessionRequest, StartSessionResponse>;
  private readonly earlier: Batcher<GetStartRequest, StartSessionResponse>;

  constructor(
    flows: FlowCatalogServiceClient,
    contacts: ContactServiceClient,
    sessions: SessionServiceClient,
    @Inject(BATCH_SIZE) batchSize: number,
    metrics: Metrics,
  ) {
    const limits = {
      ...LIMITS,
      maxItems: batchSize,
      maxInFlight: batchSize === 1 ? MAX_SINGLE_CALLS : MAX_BATCHES,
      minItemsBeside: batchSize === 1 ? 1 : MIN_ITEMS_BESIDE,
    };
    const batcher = new Batcher<GetPublishedFlowRequest, PublishedFlow>({
      ...limits,
      name: 'flow-catalog',
      run: inOneCall('flow', metrics.batchItems('gateway_flow_catalog'), (requests) =>
        call(flows, flows.batchGetPublishedFlows, { requests }),
      ),
    });
    // Many triggers share a look-up, so it has the patience of a fresh one.
    this.flows = new PublishedFlowCache((request) =>
      batcher.submit(request, Date.now() + DEFAULT_DEADLINE_MS),
    );
    const observeContacts = metrics.batchItems('gateway_contact');
    const resolver = (view: ContactView): Batcher<ResolveContactRequest, ResolvedContact> =>
      new Batcher({
        ...limits,
        name: 'contact',
        run: inOneCall('resolved', observeContacts, (requests) =>
          call(contacts, contacts.batchResolveContacts, { requests, view }),
        ),
      });
    this.contacts = {
      [ContactView.BASIC]: resolver(ContactView.BASIC),
      [ContactView.FULL]: resolver(ContactView.FULL),
    };
    this.sessions = new Batcher({
      ...limits,
      name: 'session',
      sizeOf: sizeOfStart,
      run: inOneCall('session', metrics.batchItems('gateway_session'), (requests) =>
        call(sessions, sessions.batchStartSessions, { requests }),
      ),
    });
    this.earlier = new Batcher({
      ...limits,
      name: 'session',
      run: inOneCall('session', metrics.batchItems('gateway_earlier_start'), (requests) =>
        call(sessions, sessions.batchGetStarts, { requests }),
      ),
    });
  }

  publishedFlow(request: GetPublishedFlowRequest): Promise<PublishedFlow> {
    return this.flows.get(request);
  }

  /** To be called when a flow was published, unpublished or archived here. */
  dropPublishedFlow(request: GetPublishedFlowRequest): void {
    this.flows.drop(request);
  }

  resolveContact(
    request: ResolveContactRequest,
    view: ContactView.BASIC | ContactView.FULL,
  ): Promise<ResolvedContact> {
    return submitTo(this.contacts[view], request);
  }

  /** Fails with REQUEST_ID_UNKNOWN where there is none. */
  earlierStart(request: GetStartRequest): Promise<StartSessionResponse> {
    return submitTo(this.earlier, request);
  }

  startSession(request: StartSessionRequest): Promise<StartSessionResponse> {
    return submitTo(this.sessions, request);
  }
}

/** As part of the request being served: it waits as long as that, and not at all once its caller has gone. */
function submitTo<Item, Result>(batcher: Batcher<Item, Result>, item: Item): Promise<Result> {
  const request = currentRequest();
  const deadline = request?.deadline ?? Date.now() + DEFAULT_DEADLINE_MS;
  return batcher.submit(item, deadline, () => request?.cancelled === true);
}

/**
 * Sends a batch as one call. It serves many requests, so it has an id of its own, and waits as long as the most patient of
 * them. good: the name of an outcome that is no error.
 */
function inOneCall<Item, Outcome extends { $case: string; value: unknown }, Good extends Outcome['$case']>(
  good: Good,
  observe: (items: number) => void,
  send: (items: Item[]) => Promise<{ outcomes: { outcome?: Outcome | undefined }[] }>,
): (
  items: Item[],
  deadline: number,
) => Promise<(Extract<Outcome, { $case: Good }>['value'] | DomainError)[]> {
  return async (items, deadline) => {
    observe(items.length);
    const { outcomes } = await runInRequest({ requestId: randomUUID(), deadline }, () => send(items));
    const results = outcomes.map(({ outcome }) => settle(outcome, good));
    // An HTTP/2 session may know the streams of calls that are over until V8 collects everything (ADR 8), and with them this.
    items.length = 0;
    outcomes.length = 0;
    return results;
  };
}
