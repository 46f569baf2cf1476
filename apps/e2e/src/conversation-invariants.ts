import type { RecordedEvent } from '@parley/testing';
import type { SessionRow, SprintRow } from './evidence.ts';
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

/** I2 and I3, of replies: what was said of a message stands, and each message was taken once. */
export function repliesOnce(calls: Call[], sprints: Sprints): Violation[] {
  const messages = Map.groupBy(
    calls.filter(({ message }) => message !== undefined),
    ({ tenantId, message }) => `${tenantId} ${message}`,
  );
  const taken = new Map<string, number>();
  let unknown = 0;
  const changed: Violation[] = [];
  for (const [message, same] of messages) {
    const answers = same
      .filter(({ outcome }) => outcome === 'ok')
      .toSorted((one, two) => one.answeredAt - two.answeredAt);
    // Until a session waits for it, a message may be sent again.
    const first = answers.find(({ result }) => result !== 'no_session');
    for (const { result, sessionId } of first ? answers.slice(answers.indexOf(first)) : []) {
      if (result === first!.result && sessionId === first!.sessionId) continue;
      const text = `message ${message} was ${first!.result} by ${first!.sessionId}, and later ${result} by ${sessionId}`;
      changed.push(...violation('I3', text));
    }
    if (first && TAKEN.has(first.result)) taken.set(first.sessionId!, (taken.get(first.sessionId!) ?? 0) + 1);
    else if (answers.length === 0 && same.some(({ outcome }) => outcome === 'unknown')) unknown += 1;
  }
  const counted = [...sprints].map(([id, own]) => {
    const noted = entriesOf(own).filter(({ type }) => type === 'reply').length;
    return { id, noted, known: taken.get(id) ?? 0 };
  });
  const lost = counted
    .filter(({ noted, known }) => noted < known)
    .flatMap(({ id, noted, known }) => violation('I2', `${id} took ${known} replies and tells of ${noted}`));
  // A message nobody knows the fate of was taken once at most.
  const beyond = counted.reduce((sum, { noted, known }) => sum + Math.max(0, noted - known), 0);
  const doubled =
    beyond > unknown
      ? violation('I3', `${beyond} replies were taken beyond those answered; only ${unknown} had no answer`)
      : [];
  return [...changed, ...lost, ...doubled];
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
