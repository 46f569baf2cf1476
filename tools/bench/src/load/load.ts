/** A request of which each sent one differs only by {phone} or {contact}, see numbered.ts. */
export interface RequestTemplate {
  /** http://host:port */
  origin: string;
  path: string;
  headers: Record<string, string>;
  body: string;
  /** What answers mean: the status and a part of the body. */
  started: Meaning;
  known: Meaning;
  /** Before the id in an answer's body, which ends at the next quotation mark. */
  idAfter: string;
}

export interface Meaning {
  status: number;
  contains: string;
}

export interface Load {
  request: RequestTemplate;
  connections: number;
  seconds: number;
  /** Number of the first request; each next one has the next number. */
  first: number;
  /**
   * Requests a second, sent at their time whatever the answers do (open loop); a latency counts from that time. Without it
   * each connection sends the next request when the last is answered (closed loop).
   */
  rate?: number;
}

export interface LoadResult {
  sent: number;
  started: number;
  known: number;
  /** Other answers and broken connections, by what they said. */
  failures: Record<string, number>;
  /** From the first request to the last answer. */
  seconds: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Of what was started. */
  ids: string[];
  /** CPU of the load generator itself, ms. */
  cpuMs: number;
}
