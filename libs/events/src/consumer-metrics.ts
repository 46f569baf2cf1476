import { Metrics } from '@parley/service';

/** handled; failed: comes again; dead: given up after its attempts; malformed: no event of ours, given up at once. */
type Outcome = 'handled' | 'failed' | 'dead' | 'malformed';

export type ConsumerCounter = (outcome: Outcome) => void;

/** What is counted of a consumer, whichever service it belongs to. */
export function consumerMetrics(
  metrics = new Metrics(),
  consumer: string,
  consuming: () => boolean,
): ConsumerCounter {
  metrics.gauge(
    'parley_event_consumer_connected',
    '1 while events are handed to the consumer of this process, else 0',
    () => Number(consuming()),
    0,
  );
  const deliveries = metrics.counter(
    'parley_event_deliveries_total',
    'Events handed to a consumer, by what became of them; what failed comes again',
    ['consumer', 'outcome'],
  );
  return (outcome) => deliveries.inc({ consumer, outcome });
}
