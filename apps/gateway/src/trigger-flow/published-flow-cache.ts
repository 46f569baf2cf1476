import type { GetPublishedFlowRequest, PublishedFlow } from '@parley/contracts/flow-catalog';

/** An unpublished flow starts nothing this much later at most, on every gateway. */
const MAX_AGE_MS = 1_000;
const MAX_FLOWS = 10_000;

interface Entry {
  flow: Promise<PublishedFlow>;
  /** On performance.now's clock. */
  expires: number;
}

/**
 * Published flows, at most a second old. Triggers that ask for the same flow at once share one look-up; a refusal is
 * not remembered. What this gateway itself changes is dropped at once.
 */
export class PublishedFlowCache {
  private readonly entries = new Map<string, Entry>();
  private readonly find: (request: GetPublishedFlowRequest) => Promise<PublishedFlow>;

  constructor(find: (request: GetPublishedFlowRequest) => Promise<PublishedFlow>) {
    this.find = find;
  }

  get(request: GetPublishedFlowRequest): Promise<PublishedFlow> {
    const key = keyOf(request);
    const cached = this.entries.get(key);
    if (cached && cached.expires > performance.now()) return cached.flow;
    const entry = { flow: this.find(request), expires: performance.now() + MAX_AGE_MS };
    entry.flow.catch(() => {
      if (this.entries.get(key) === entry) this.entries.delete(key);
    });
    // Deleted first, so that the oldest entry is always the first of the map.
    this.entries.delete(key);
    this.entries.set(key, entry);
    if (this.entries.size > MAX_FLOWS) this.entries.delete(this.entries.keys().next().value!);
    return entry.flow;
  }

  /** The next trigger asks anew. */
  drop(request: GetPublishedFlowRequest): void {
    this.entries.delete(keyOf(request));
  }
}

function keyOf({ tenantId, flowId }: GetPublishedFlowRequest): string {
  return `${tenantId} ${flowId}`;
}
