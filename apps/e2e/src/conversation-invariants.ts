import type { RecordedEvent } from '@parley/testing';
import type { ReplyRow, SessionRow, SprintRow } from './evidence.ts';
import type { Call } from './history.ts';
import { violation, type Violation } from './invariants.ts';

type Sprints = Map<string, SprintRow[]>;

/** Events that ask others to do something, each for one effect. */
const EFFECTS = new Set(['message.requested', 'session.handoff_requested', 'session.tags_requested']);
/** What a reply comes to that its session took. */
const TAKEN = new Set<string | undefined>(['accepted', 'invalid']);

/** I5, of the timeline: its entries are numbered 1 to n, and n is what the row says. */
export function timelinesWhole(sessions: SessionRow[], sprints: Sprints): Violation[] {
  return sessions.flatMap(({ id, entries, endEntry }) => {
    const numbers = (sprints.get(id) ?? []).flatMap((sprint) =>
      sprint.entries.map((_, index) => sprint.firstEntry + index),
    );
    if (endEntry !== null) numbers.push(endEntry);
    numbers.sort((a, b) => a - b);
    if (numbers.length === entries && numbers.every((number, index) => number === index + 1)) return [];
    return violation(
      'I5',
      `${id} has the timeline entries ${numbers.join(', ')}; the row's last is ${entries}`,
    );
  });
}

/** I4, of messages and other effects: each that the timeline tells of is asked for by one event, and none is beside. */
export function effectsOnce(
  sessions: SessionRow[],
  sprints: Sprints,
  bySubject: Map<string, RecordedEvent[]>,
): Violation[] {
  return sessions.flatMap(({ id }) => {
    const told = entriesOf(sprints.get(id)).flatMap(({ detail }) => detail.effect_id ?? []);
    const asked = (bySubject.get(id) ?? [])
      .filter(({ type }) => EFFECTS.has(type))
      .map(({ data }) => String(data['effect_id']));
    if (told.toSorted().join() === asked.toSorted().join() && new Set(asked).size === asked.length) return [];
    return violation(
      'I4',
      `${id} tells of the effects ${told.join(', ')}; its events ask for ${asked.join(', ')}`,
    );
  });
}

/** I2 and I3, of replies: what was said of a message stands, each that was taken is kept, and was taken once. */
export function repliesOnce(calls: Call[], replies: ReplyRow[], sprints: Sprints): Violation[] {
  const messages = Map.groupBy(
    calls.filter(({ message }) => message !== undefined),
    ({ tenantId, message }) => keyOf(tenantId, message!),
  );
  const rows = new Map(replies.map((row) => [keyOf(row.tenantId, row.messageId), row]));
  const answers = [...messages].flatMap(([key, same]) => {
    const inOrder = same
      .filter(({ outcome }) => outcome === 'ok')
      .toSorted((one, two) => one.answeredAt - two.answeredAt);
    // Until a session waits for it, a message may be sent again.
    const first = inOrder.find(({ result }) => result !== 'no_session');
    if (!first) return [];
    const changed = inOrder
      .slice(inOrder.indexOf(first))
      .filter(({ result, sessionId }) => result !== first.result || sessionId !== first.sessionId)
      .flatMap(({ result, sessionId }) =>
        violation(
          'I3',
          `message ${key} was ${first.result} by ${first.sessionId}, and later ${result} by ${sessionId}`,
        ),
      );
    const row = rows.get(key);
    const kept =
      row?.sessionId === first.sessionId && (row?.result === first.result || row?.result === 'ended');
    if (kept) return changed;
    const text = `message ${key} was ${first.result} by ${first.sessionId}, and is kept as ${JSON.stringify(row)}`;
    return [...changed, ...violation('I2', text)];
  });
  // Messages without an id are not kept; what was answered is known.
  const nameless = calls.filter(({ kind, message }) => kind === 'reply' && message === undefined);
  const taken = Map.groupBy(
    [...replies, ...nameless].filter(({ result }) => TAKEN.has(result)),
    ({ sessionId }) => sessionId!,
  );
  const counts = [...sprints].flatMap(([id, own]) => {
    const noted = entriesOf(own).filter(({ type }) => type === 'reply').length;
    const known = taken.get(id)?.length ?? 0;
    if (noted === known) return [];
    return violation(noted < known ? 'I2' : 'I3', `${id} took ${known} replies, and tells of ${noted}`);
  });
  return [...answers, ...counts];
}

/** I6, of waits: one that timed out had come to its time, and not long before. */
export function timeoutsOnTime(calls: Call[], sprints: Sprints, lateMs: number): Violation[] {
  const due = Map.groupBy(
    calls.flatMap((call) => call.due ?? []),
    ({ id }) => id,
  );
  return [...sprints].flatMap(([id, own]) =>
    own
      .filter(({ entries }) => entries.some(({ type }) => type === 'timeout'))
      .flatMap(({ at }) => {
        const times = (due.get(id) ?? []).map((one) => at.getTime() - one.at);
        if (times.some((late) => late >= 0 && late <= lateMs)) return [];
        return violation(
          'I6',
          `a wait of ${id} ended ${times.join(', ') || 'at no time known'} ms after its time`,
        );
      }),
  );
}

function entriesOf(sprints: SprintRow[] = []): SprintRow['entries'] {
  return sprints.flatMap(({ entries }) => entries);
}

function keyOf(tenantId: string, message: string): string {
  return `${tenantId} ${message}`;
}
