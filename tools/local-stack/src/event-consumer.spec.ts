import { afterAll, describe, expect, it } from '@jest/globals';
import { effort, randomFrom, seed } from '@parley/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { consumeEvents, MAX_DELIVERIES, type EventMessage } from './event-consumer.ts';
import { SeenIds } from './seen-ids.ts';
import type { SessionEvent } from './session-event.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-consumer-'));
afterAll(() => rmSync(folder, { recursive: true }));

const begun = seed();
const random = randomFrom(begun);
const below = (limit: number): number => Math.floor(random() * limit);
const TYPES = ['session.started', 'message.requested', 'session.completed'];

/** Some sessions' events, each session's in order, as the stream holds them. */
function stream(): string[] {
  const left = Array.from({ length: 5 + below(60) }, (_, session) => ({
    session,
    sequence: 0,
    last: 1 + below(4),
  }));
  const texts: string[] = [];
  while (left.length > 0) {
    const [at] = [below(left.length)];
    const next = left[at]!;
    next.sequence += 1;
    if (next.sequence === next.last) left.splice(at, 1);
    texts.push(
      JSON.stringify({
        id: `${next.session}-${next.sequence}`,
        type: TYPES[below(TYPES.length)],
        subject: `session ${next.session}`,
        sequence: next.sequence,
        data: { step: random() },
      }),
    );
  }
  return texts;
}

/** Every message twice, none farther than about a hundred from its place. */
function doubledAndShuffled(texts: string[]): string[] {
  return texts
    .flatMap((text, index) => [text, text].map((copy) => ({ copy, at: index + random() * 100 })))
    .sort((a, b) => a.at - b.at)
    .map(({ copy }) => copy);
}

/** A consumer of our rules that keeps the latest state of each session: a lower sequence is old news. */
class Latest {
  readonly shown: string[] = [];
  readonly states = new Map<string, { sequence: number; type: string; step: unknown }>();

  readonly show = (event: SessionEvent): void => {
    this.shown.push(event.id);
    const { type, subject, sequence, data } = event as SessionEvent & {
      sequence: number;
      data: { step: unknown };
    };
    if ((this.states.get(subject)?.sequence ?? 0) >= sequence) return;
    this.states.set(subject, { sequence, type, step: data.step });
  };
}

/** Remembers what became of a message. */
class Message implements EventMessage {
  readonly info: { deliveryCount: number };
  verdict = '';
  private readonly text: string;

  constructor(text: string, deliveryCount = 1) {
    this.text = text;
    this.info = { deliveryCount };
  }

  string(): string {
    return this.text;
  }

  ack(): void {
    this.verdict = 'ack';
  }

  nak(afterMs: number): void {
    this.verdict = `again in ${afterMs} ms`;
  }

  term(): void {
    this.verdict = 'never again';
  }
}

async function* each(messages: Message[]): AsyncIterable<EventMessage> {
  for (const message of messages) yield await Promise.resolve(message);
}

let files = 0;
const newFile = (): string => join(folder, `seen-${(files += 1)}`);
const ignore = (): void => undefined;

describe('a consumer of our rules', () => {
  it('ends in the same state when every message comes twice and shuffled within 100, and it restarts midway (P6, fault 22)', async () => {
    for (let round = 0; round < effort(50, 2_000); round++) {
      const texts = stream();
      const [calm, shaken] = [new Latest(), new Latest()];
      const seen = new SeenIds(newFile());
      await consumeEvents(each(texts.map((text) => new Message(text))), {
        seen,
        show: calm.show,
        note: ignore,
      });

      const file = newFile();
      const messages = doubledAndShuffled(texts).map((text) => new Message(text));
      const restart = below(messages.length);
      for (const part of [messages.slice(0, restart), messages.slice(restart)]) {
        await consumeEvents(each(part), { seen: new SeenIds(file), show: shaken.show, note: ignore });
      }
      const about = { begun, round };
      expect({ ...about, states: shaken.states }).toEqual({ ...about, states: calm.states });
      expect({ ...about, shown: shaken.shown.toSorted() }).toEqual({
        ...about,
        shown: calm.shown.toSorted(),
      });
      expect(new Set(messages.map(({ verdict }) => verdict))).toEqual(new Set(['ack']));
    }
  });

  it('never asks again for what is no event, and asks a bounded number of times for what fails (fault 23)', async () => {
    const fails = stream()[0]!;
    const messages = [
      new Message('not JSON'),
      new Message('{"an":"event?"}'),
      new Message(fails),
      new Message(fails, MAX_DELIVERIES),
    ];
    const show = (): void => {
      throw new Error('full');
    };
    await consumeEvents(each(messages), { seen: new SeenIds(newFile()), show, note: ignore });
    expect(messages.map(({ verdict }) => verdict)).toEqual([
      'never again',
      'never again',
      'again in 1000 ms',
      'never again',
    ]);
  });
});
