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

/** The three calls of a trigger, each batched with those of other triggers. */
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
      run: inOneRequest(metrics.batchItems('gateway_flow_catalog'), async (requests) => {
        const { outcomes } = await call(flows, flows.batchGetPublishedFlows, { requests });
        return outcomes.map(({ outcome }) => settle(outcome, 'flow'));
      }),
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
        run: inOneRequest(observeContacts, async (requests) => {
          const { outcomes } = await call(contacts, contacts.batchResolveContacts, { requests, view });
          return outcomes.map(({ outcome }) => settle(outcome, 'resolved'));
        }),
      });
    this.contacts = {
      [ContactView.BASIC]: resolver(ContactView.BASIC),
      [ContactView.FULL]: resolver(ContactView.FULL),
    };
    this.sessions = new Batcher({
      ...limits,
      name: 'session',
      sizeOf: sizeOfStart,
      run: inOneRequest(metrics.batchItems('gateway_session'), async (requests) => {
        const { outcomes } = await call(sessions, sessions.batchStartSessions, { requests });
        return outcomes.map(({ outcome }) => settle(outcome, 'session'));
      }),
    });
    this.earlier = new Batcher({
      ...limits,
      name: 'session',
      run: inOneRequest(metrics.batchItems('gateway_earlier_start'), async (requests) => {
        const { outcomes } = await call(sessions, sessions.batchGetStarts, { requests });
        return outcomes.map(({ outcome }) => settle(outcome, 'session'));
      }),
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

/** A batch serves many requests: it has an id of its own, and waits as long as the most patient of them. */
function inOneRequest<Item, Result>(
  observe: (items: number) => void,
  run: (items: Item[]) => Promise<Result[]>,
): (items: Item[], deadline: number) => Promise<Result[]> {
  return (items, deadline) => {
    observe(items.length);
    return runInRequest({ requestId: randomUUID(), deadline }, () => run(items));
  };
}
