import { Metrics } from '@parley/service';
import { PUBLISH_FAILURES, type PublishFailure } from './publish-error.ts';

/** What is counted of a stream, whichever service writes to it. */
export function streamMetrics(
  metrics = new Metrics(),
  connected: () => boolean,
): { failed: (reason: PublishFailure) => void; made: () => void } {
  const failures = metrics.counter(
    'parley_event_publish_failures_total',
    'Attempts to send an event that failed, by reason; the event stays in the outbox',
    ['reason'],
  );
  // From the beginning, so that an increase sees the first one.
  for (const reason of PUBLISH_FAILURES) failures.inc({ reason }, 0);
  const made = metrics.counter(
    'parley_event_streams_made_total',
    'Streams this process found missing and made; what a lost one held needs a replay',
  );
  metrics.gauge(
    'parley_event_stream_connected',
    '1 while events can be sent, else 0',
    () => Number(connected()),
    0,
  );
  return { failed: (reason) => failures.inc({ reason }), made: () => made.inc() };
}
