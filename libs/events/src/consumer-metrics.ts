import { Metrics } from '@parley/service';

/** handled; failed: comes again; dead: given up after its attempts; malformed: no event of ours, given up at once. */
const OUTCOMES = ['handled', 'failed', 'dead', 'malformed'] as const;
type Outcome = (typeof OUTCOMES)[number];

export type ConsumerCounter = (outcome: Outcome) => void;

/** What is counted of a consumer, whichever service it belongs to. */
export function consumerMetrics(
  metrics = new Metrics(),
  consumer: string,
  consuming: () => boolean,
  waiting: () => Promise<number | undefined>,
): ConsumerCounter {
  metrics.gauge(
    'parley_event_consumer_connected',
    '1 while events are handed to the consumer of this process, else 0',
    () => Number(consuming()),
    0,
  );
  metrics.gauge(
    'parley_event_consumer_waiting',
    'Events of the stream that no replica has handled yet, those in hand and those that failed and come again included',
    waiting,
  );
  const deliveries = metrics.counter(
    'parley_event_deliveries_total',
    'Events handed to a consumer, by what became of them; what failed comes again',
    ['consumer', 'outcome'],
  );
  // From the beginning, so that a rate sees the first one.
  for (const outcome of OUTCOMES) deliveries.inc({ consumer, outcome }, 0);
  return (outcome) => deliveries.inc({ consumer, outcome });
}
