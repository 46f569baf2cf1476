/** What a caller knows of its call: done, certainly not done, or neither (a time-out, a broken connection, a 5xx). */
export type Outcome = 'ok' | 'refused' | 'unknown';

/** What was asked. The kind is for reports, and starts and reads are judged by it. */
export interface Asked {
  /** 'start' (of a session), 'read' (of sessions), 'cancel', 'reply', or any other word. */
  kind: string;
  tenantId: string;
  /** Idempotency-Key or request_id. Calls with the same one have to agree (I3). */
  key?: string | undefined;
  flow?: string | undefined;
  /** The contact's id or phone, as it was sent. */
  contact?: string | undefined;
  /** Of a reply: the id of its message. Calls with the same one are the same reply. */
  message?: string | undefined;
  /** As it was sent; two calls with one key are the same call when their bodies are equal as JSON. */
  body?: unknown;
}

/** What came back. */
export interface Answered {
  outcome: Outcome;
  /** HTTP status or gRPC code, for reports. */
  status?: number | undefined;
  /** The answer's body; or what failed. */
  answer?: unknown;
  /** Of a start: the session named, and whether it is new. */
  sessionId?: string | undefined;
  contactId?: string | undefined;
  started?: boolean | undefined;
  /** Whether it is the answer of an earlier call with the same key, so that what it says may be past. */
  replayed?: boolean | undefined;
  /** Of a reply: what it came to. */
  result?: string | undefined;
  /** Sessions whose wait was made to end at a time: what stands in for minutes passing. */
  due?: { id: string; at: number }[] | undefined;
  /** Every session the answer shows, with its status there (I7, I8). */
  seen?: { id: string; status: string }[] | undefined;
}

/** One call, from its first byte to its answer. Times are milliseconds since the epoch. */
export interface Call extends Asked, Answered {
  sentAt: number;
  answeredAt: number;
}

interface HttpAnswer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** Every call of a test with what became of it: what the checker compares with rows and events. */
export class History {
  readonly calls: Call[] = [];

  /** A call that was made elsewhere. */
  add(call: Call): void {
    this.calls.push(call);
  }

  /**
   * Makes an HTTP call and records it: 2xx is ok, 4xx refused, 5xx and no answer unknown. Gives the answer, or
   * undefined when none came; it never fails.
   */
  async http<A extends HttpAnswer>(asked: Asked, send: () => Promise<A>): Promise<A | undefined> {
    let answer: A | undefined;
    await this.record(asked, async () => {
      answer = await send();
      return readHttp(answer);
    });
    return answer;
  }

  /** Makes any other call and records it; `send` says what became of it, and one that fails is unknown. */
  async record(asked: Asked, send: () => Promise<Answered>): Promise<Call> {
    const sentAt = Date.now();
    const answered = await send().catch((error: unknown): Answered => {
      return { outcome: 'unknown', answer: messageOf(error) };
    });
    const call = { ...asked, ...answered, sentAt, answeredAt: Date.now() };
    this.calls.push(call);
    return call;
  }

  /** How many calls there were, by kind and outcome: { 'start ok': 12, … }. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { kind, outcome } of this.calls) {
      const name = `${kind} ${outcome}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }
}

/** What a REST answer of ours says: a start's, a reply's, one session's, or a list's. */
function readHttp({ status, headers, body }: HttpAnswer): Answered {
  if (status >= 500) return { outcome: 'unknown', status, answer: body };
  if (status >= 400) return { outcome: 'refused', status, answer: body };
  const replayed = headers.get('idempotent-replayed') === 'true';
  const answered: Answered = { outcome: 'ok', status, answer: body, replayed };
  const { data, id, contact_id, status: state, result, session } = (body ?? {}) as Record<string, unknown>;
  if (state === 'started' || state === 'already_running') {
    const contactId = contact_id as string;
    return { ...answered, sessionId: id as string, contactId, started: state === 'started' };
  }
  if (typeof result === 'string') {
    const seen = [session].filter(isSession);
    return { ...answered, result, sessionId: seen[0]?.id, seen };
  }
  const list = Array.isArray(body) ? body : Array.isArray(data) ? data : [body];
  return { ...answered, seen: list.filter(isSession) };
}

function isSession(value: unknown): value is { id: string; status: string } {
  const { id, status, expires_at } = (value ?? {}) as Record<string, unknown>;
  return typeof id === 'string' && typeof status === 'string' && expires_at !== undefined;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
