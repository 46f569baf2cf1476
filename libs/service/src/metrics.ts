import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** How old a reading of the database may be that a scrape is answered with. */
const READING_MAX_AGE_MS = 15_000;
/** Of calls and requests: idle ones take 2 ms here, and none takes longer than its deadline of 2 s (P10). */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const ITEMS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/**
 * What a service counts and measures, in the words of Prometheus. Labels take few values, known beforehand: never ids,
 * phones, tokens, tenants or URLs. A metric of one name is made once, whoever asks for it first.
 */
export class Metrics {
  private readonly registry = new Registry();
  private readonly batches = new Set<string>();

  /** The metrics of the process itself: CPU, memory, event loop, garbage collection. Call it once in a process. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Its name ends in _total. Without labels it begins at 0, with them each child appears when it is first counted. */
  counter<Label extends string = never>(
    name: string,
    help: string,
    labelNames: Label[] = [],
  ): Counter<Label> {
    return this.once(name, () => new Counter({ name, help, labelNames, registers: [this.registry] }));
  }

  /** Durations; its name ends in _seconds. */
  durations<Label extends string = never>(
    name: string,
    help: string,
    labelNames: Label[] = [],
    buckets: number[] = SECONDS,
  ): Histogram<Label> {
    return this.once(
      name,
      () => new Histogram({ name, help, labelNames, buckets, registers: [this.registry] }),
    );
  }

  /** Gives what is to be told of each batch of one kind: how many items it has. */
  batchItems(batch: string): (items: number) => void {
    const name = 'parley_batch_items';
    const histogram = this.once(
      name,
      () =>
        new Histogram({
          name,
          help: 'Items of each batch, by what is batched',
          labelNames: ['batch'],
          buckets: ITEMS,
          registers: [this.registry],
        }),
    );
    // From the beginning, so that a rate sees the first one.
    if (!this.batches.has(batch)) histogram.zero({ batch });
    this.batches.add(batch);
    const child = histogram.labels(batch);
    return (items) => child.observe(items);
  }

  /**
   * A value that is read when somebody looks. One that cannot be read (undefined, or a failure) is left out of the
   * answer rather than shown as 0. maxAgeMs: how long a reading is given again, default 15 s.
   */
  gauge(
    name: string,
    help: string,
    read: () => Promise<number | undefined> | number | undefined,
    maxAgeMs = READING_MAX_AGE_MS,
  ): void {
    let readAt = -Infinity;
    let reading: Promise<number | undefined> | undefined;
    const gauge = new Gauge({
      name,
      help,
      registers: [this.registry],
      collect: async () => {
        // Scrapes at the same time share a reading.
        if (reading === undefined || performance.now() - readAt >= maxAgeMs) {
          readAt = performance.now();
          reading = valueOf(read);
        }
        const value = await reading;
        if (value === undefined) gauge.remove();
        else gauge.set(value);
      },
    });
  }

  /** Everything, in the text format 0.0.4. */
  async text(): Promise<string> {
    return this.registry.metrics();
  }

  private once<Metric extends object>(name: string, make: () => Metric): Metric {
    return (this.registry.getSingleMetric(name) as Metric | undefined) ?? make();
  }
}

async function valueOf(
  read: () => Promise<number | undefined> | number | undefined,
): Promise<number | undefined> {
  try {
    return await read();
  } catch {
    return undefined;
  }
}
