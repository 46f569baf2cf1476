import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { PipelinedPublisher } from './pipelined-publisher.ts';

/** A connection whose server acknowledges when the test says so. */
class FakeConnection {
  readonly replies: string[] = [];
  private callback: (error: Error | null, message: Msg) => void = () => undefined;

  publish(_subject: string, _body: string, { reply }: { reply: string }): void {
    this.replies.push(reply);
  }

  subscribe(
    _subject: string,
    { callback }: { callback: FakeConnection['callback'] },
  ): { closed: Promise<void>; unsubscribe: () => void } {
    this.callback = callback;
    return { closed: new Promise(() => undefined), unsubscribe: () => undefined };
  }

  /** As stored before, or now. */
  acknowledge(reply: string, duplicate: boolean): void {
    const json = (): unknown => ({ stream: 'SPEC', seq: 1, duplicate });
    this.callback(null, { subject: reply, data: new Uint8Array(1), json } as unknown as Msg);
  }
}

let connection: FakeConnection;
let publisher: PipelinedPublisher;

beforeEach(() => {
  jest.useFakeTimers();
  connection = new FakeConnection();
  publisher = new PipelinedPublisher(connection as unknown as NatsConnection, 'SPEC');
});
afterEach(() => {
  publisher.close();
  jest.useRealTimers();
});

const publish = (count: number): Promise<boolean>[] =>
  Array.from({ length: count }, (_, index) => publisher.publish('spec.happened', '{}', String(index)));

describe('a pipelined publisher', () => {
  it('gives each message its own acknowledgement, in whatever order they come', async () => {
    const published = publish(3_000);
    const isOdd = (index: number): boolean => index % 2 === 1;
    const inOrder = connection.replies.map((reply, index) => ({ reply, duplicate: isOdd(index) }));
    // The first one last, so that all others wait behind it; some twice.
    for (const { reply, duplicate } of [...inOrder.slice(1), ...inOrder.slice(1_200, 1_400), inOrder[0]!])
      connection.acknowledge(reply, duplicate);
    expect(await Promise.all(published)).toEqual(inOrder.map(({ duplicate }) => duplicate));
    const [next] = publish(1);
    connection.acknowledge(connection.replies.at(-1)!, true);
    expect(await next).toBe(true);
  });

  it("fails what is not acknowledged within 5 s, and nothing else; an acknowledgement after that is nobody's", async () => {
    const late = publish(2);
    const outcomes = Promise.allSettled(late);
    connection.acknowledge(connection.replies[1]!, false);
    await jest.advanceTimersByTimeAsync(3_000);
    const [soon] = publish(1);
    await jest.advanceTimersByTimeAsync(2_500);
    expect(await outcomes).toEqual([
      { status: 'rejected', reason: expect.objectContaining({ reason: 'timeout' }) },
      { status: 'fulfilled', value: false },
    ]);
    connection.acknowledge(connection.replies[0]!, true);
    connection.acknowledge(connection.replies[2]!, false);
    expect(await soon).toBe(false);
  });

  it('fails what waits when it is closed', async () => {
    const outcomes = Promise.allSettled(publish(2));
    connection.acknowledge(connection.replies[0]!, false);
    publisher.close();
    expect(await outcomes).toEqual([
      { status: 'fulfilled', value: false },
      { status: 'rejected', reason: expect.objectContaining({ reason: 'disconnected' }) },
    ]);
  });
});
