/**
 * How late a part of a service's work is that nobody waits for: events to be sent, sessions to be ended. It is read
 * once a second, shown as a metric, and turns readiness when it passes its limit (docs/adr/0010).
 */
export interface Lag {
  /** One word, the part's name in answers about readiness: events. */
  part: string;
  /** Its metric, ending in _seconds, and what that says. */
  metric: string;
  help: string;
  /** More than this and the service is not ready. */
  limitSeconds: number;
  /** Asks how late it is now, in seconds; 0 when nothing is late. */
  read: () => Promise<number>;
}
