import { isDeepStrictEqual } from 'node:util';
import type { RecordedEvent } from '@parley/testing';
import type { SessionRow } from './evidence.ts';
import type { Call } from './history.ts';

/** A broken promise: its name, and what shows it. */
export interface Violation {
  /** An invariant below, or the fault of docs/guarantees.md whose own words were broken. */
  name: `I${number}` | `fault ${number}`;
  text: string;
}

export function violation(name: Violation['name'], text: string): [Violation] {
  return [{ name, text }];
}

/** I1: a row that is still `running` past its time ended with its time (P4). */
export function oneRunning(sessions: SessionRow[]): Violation[] {
  const groups = Map.groupBy(sessions, (row) => `${row.tenantId} ${row.flowId} ${row.contactId}`);
  return [...groups.values()].flatMap((rows) => {
    const running = rows.filter((row) => row.status === 'running');
    const twice = running.length > 1 ? violation('I1', `both running: ${ids(running)}`) : [];
    const inOrder = rows.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    const overlaps = inOrder.slice(1).flatMap((row, index) => {
      const before = inOrder[index]!;
      const end = before.endedAt ?? before.expiresAt;
      if (end <= row.createdAt) return [];
      const text = `${before.id} ended ${end.toISOString()}, after ${row.id} began ${row.createdAt.toISOString()}`;
      return violation('I1', text);
    });
    return [...twice, ...overlaps];
  });
}

/** I2: and they are of the flow and contact asked for. */
export function acknowledgedExist(calls: Call[], rows: Map<string, SessionRow>): Violation[] {
  return calls.flatMap((call) => {
    if (call.outcome !== 'ok' || call.sessionId === undefined) return [];
    const row = rows.get(call.sessionId);
    if (!row) return violation('I2', `${call.sessionId}, answered with ${call.status}, is no row`);
    const otherFlow = call.flow !== undefined && call.flow !== row.flowId;
    const otherContact = call.contactId !== undefined && call.contactId !== row.contactId;
    if (!otherFlow && !otherContact) return [];
    return violation('I2', `${call.sessionId} was answered for another flow or contact than it has`);
  });
}

/** I2: an end that was told, by a cancel or a read, stands. The compatible list calls cancelled ones failed. */
export function endsStand(calls: Call[], rows: Map<string, SessionRow>): Violation[] {
  return calls.flatMap((call) =>
    (call.seen ?? []).flatMap(({ id, status }) => {
      const now = rows.get(id)?.shownStatus;
      if (now === undefined || status === 'running' || status === now) return [];
      if (status === 'failed' && now === 'cancelled') return [];
      return violation('I2', `${id} was ${status} to a ${call.kind}, and is ${now}`);
    }),
  );
}

/** I3: the first answer with a key stands; only the request it answered may get it again. */
export function sameKeySameAnswer(calls: Call[]): Violation[] {
  const keyed = calls.filter((call) => call.key !== undefined && call.outcome !== 'unknown');
  const groups = Map.groupBy(keyed, (call) => `${call.tenantId} ${call.key}`);
  return [...groups.values()].flatMap((same) => {
    const inOrder = same.toSorted((a, b) => a.answeredAt - b.answeredAt);
    const first = inOrder.find((call) => call.outcome === 'ok');
    if (!first) return [];
    return inOrder.flatMap((call) => {
      const sameBody = isDeepStrictEqual(plain(call.body), plain(first.body));
      if (call.outcome === 'refused') {
        // Before the first answer it may have been refused for what was true then.
        if (!sameBody || call.sentAt < first.answeredAt || UNREAD.has(call.status)) return [];
        return violation('I3', `key ${call.key} was answered, and later refused with ${call.status}`);
      }
      if (!sameBody) return violation('I3', `key ${call.key} was accepted with two bodies`);
      if (call.status === first.status && isDeepStrictEqual(call.answer, first.answer)) return [];
      const [one, two] = [first, call].map(({ status, answer }) => `${status} ${JSON.stringify(answer)}`);
      return violation('I3', `key ${call.key} was answered ${one} and ${two}`);
    });
  });
}

/** Refused before the key was looked at: the token, its scope, its rate. */
const UNREAD = new Set<number | undefined>([401, 403, 429]);

/** I7: the view, reads, and starts that name a session as running. */
export function neverShownPastItsTime(
  calls: Call[],
  sessions: SessionRow[],
  rows: Map<string, SessionRow>,
): Violation[] {
  const inView = sessions
    .filter((row) => row.shownStatus === 'running' && row.expiresAt <= row.shownAt)
    .flatMap((row) => violation('I7', `the view shows ${row.id} as running past its time`));
  const inAnswers = calls.flatMap((call) => {
    const running = (call.seen ?? []).filter(({ status }) => status === 'running').map(({ id }) => id);
    if (call.started === false && !call.replayed) running.push(call.sessionId!);
    return running.flatMap((id) => {
      const row = rows.get(id);
      if (!row || row.expiresAt.getTime() > call.sentAt) return [];
      return violation('I7', `a ${call.kind} called ${id} running past its time`);
    });
  });
  return [...inView, ...inAnswers];
}

/** I8: ids that callers got, and events. */
export function tenantsApart(
  calls: Call[],
  rows: Map<string, SessionRow>,
  events: RecordedEvent[],
): Violation[] {
  const told = calls.flatMap((call) => {
    const named = [...(call.seen ?? []).map(({ id }) => id), ...(call.sessionId ? [call.sessionId] : [])];
    return named
      .filter((id) => rows.has(id) && rows.get(id)!.tenantId !== call.tenantId)
      .flatMap((id) => violation('I8', `${id} was told to tenant ${call.tenantId}, whose it is not`));
  });
  const owners = new Map<string, string>();
  for (const row of rows.values()) owners.set(row.contactId, row.tenantId);
  const shared = [...rows.values()]
    .filter((row) => owners.get(row.contactId) !== row.tenantId)
    .flatMap((row) => violation('I8', `contact ${row.contactId} has sessions in two tenants`));
  const mislabelled = events
    .filter((event) => rows.has(event.subject) && rows.get(event.subject)!.tenantId !== event.tenantid)
    .flatMap((event) => violation('I8', `event ${event.id} bears another tenant than its session`));
  return [...told, ...shared, ...mislabelled];
}

/** Of a kind of violation so many are told; the last one says how many more there are. */
export function shorten(found: Violation[], told = 5): Violation[] {
  return [...Map.groupBy(found, ({ name }) => name).values()].flatMap((same) =>
    same.length <= told
      ? same
      : [...same.slice(0, told), { name: same[0]!.name, text: `and ${same.length - told} more` }],
  );
}

function ids(rows: SessionRow[]): string {
  return rows.map((row) => row.id).join(', ');
}

/** Dates and undefined fields as they are sent. */
function plain(body: unknown): unknown {
  return body === undefined ? undefined : JSON.parse(JSON.stringify(body));
}
