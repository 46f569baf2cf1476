import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { BackgroundLoop } from './background-loop.ts';
import { Logger } from './logger.ts';

const FOREVER_MS = 600_000;

let loop: BackgroundLoop | undefined;
afterEach(() => loop?.stop());

const start = (work: () => Promise<boolean>, pauseMs = FOREVER_MS): BackgroundLoop => {
  loop = new BackgroundLoop({ name: 'Spec', pauseMs, work, logger: new Logger('spec', 'silent') });
  loop.start();
  return loop;
};

/** Work the test can wait for: run(n) is reached when the nth run begins. */
class Runs {
  count = 0;
  private readonly waiting = new Map<number, () => void>();

  begin(): number {
    this.count++;
    this.waiting.get(this.count)?.();
    return this.count;
  }

  reach(count: number): Promise<void> {
    return this.count >= count
      ? Promise.resolve()
      : new Promise((resolve) => this.waiting.set(count, resolve));
  }
}

/** Lets everything happen that needs no timer. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

describe('a background loop', () => {
  it('works at once when it starts, then pauses', async () => {
    const runs = new Runs();
    start(() => Promise.resolve(runs.begin() > 99));
    await runs.reach(1);
    await settle();
    expect(runs.count).toBe(1);
  });

  it('works again after the pause', async () => {
    const runs = new Runs();
    start(() => Promise.resolve(runs.begin() > 99), 5);
    await runs.reach(3);
  });

  it('works on without a pause while there is more to do', async () => {
    const runs = new Runs();
    start(() => Promise.resolve(runs.begin() < 5));
    await runs.reach(5);
    await settle();
    expect(runs.count).toBe(5);
  });

  it('works at once when it is woken', async () => {
    const runs = new Runs();
    const woken = start(() => Promise.resolve(runs.begin() > 99));
    await runs.reach(1);
    await settle();
    woken.wake();
    await runs.reach(2);
  });

  it('loses no wake-up that comes while it works', async () => {
    const runs = new Runs();
    const { promise, resolve } = Promise.withResolvers<void>();
    const woken = start(async () => {
      if (runs.begin() === 1) await promise;
      return false;
    });
    await runs.reach(1);
    woken.wake();
    woken.wake();
    resolve();
    await runs.reach(2);
    await settle();
    expect(runs.count).toBe(2);
  });

  it('does one run at a time, also when it is started or woken twice', async () => {
    const runs = new Runs();
    let working = 0;
    let most = 0;
    const woken = start(async () => {
      most = Math.max(most, ++working);
      runs.begin();
      await settle();
      working--;
      return false;
    });
    woken.start();
    woken.wake();
    await runs.reach(1);
    woken.wake();
    await runs.reach(2);
    expect(most).toBe(1);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('away'))],
    [
      'throws',
      () => {
        throw new Error('away');
      },
    ],
  ])('tries again after the pause when its work %s', async (_, fail) => {
    const runs = new Runs();
    start(async () => (runs.begin() < 3 ? fail() : false), 5);
    await runs.reach(4);
  });

  it('keeps to the pause after a failure though it is woken, for that would fail again', async () => {
    const runs = new Runs();
    const woken = start(() => {
      runs.begin();
      return Promise.reject(new Error('away'));
    });
    await runs.reach(1);
    for (let n = 0; n < 3; n++) {
      woken.wake();
      await settle();
    }
    expect(runs.count).toBe(1);
  });

  it('finishes the run under way before it stops, and does not begin another (P11)', async () => {
    const runs = new Runs();
    const { promise, resolve } = Promise.withResolvers<void>();
    const stopping = start(async () => {
      runs.begin();
      await promise;
      return true;
    });
    await runs.reach(1);
    let stopped = false;
    const end = stopping.stop().then(() => (stopped = true));
    stopping.wake();
    await settle();
    expect(stopped).toBe(false);
    resolve();
    await end;
    expect(runs.count).toBe(1);
  });

  it.each([
    ['in its pause', 'done'],
    ['in its pause after a failure', 'failed'],
  ])('stops at once %s', async (_, how) => {
    const runs = new Runs();
    const stopping = start(() => {
      runs.begin();
      return how === 'done' ? Promise.resolve(false) : Promise.reject(new Error('away'));
    });
    await runs.reach(1);
    await settle();
    await stopping.stop();
    expect(runs.count).toBe(1);
  });

  it('can be stopped before it was started', async () => {
    const logger = new Logger('spec', 'silent');
    await new BackgroundLoop({ name: 'Spec', pauseMs: 5, work: () => Promise.resolve(false), logger }).stop();
  });

  it('says why it fails, once as long as that stays, and that it works again', async () => {
    const lines: string[] = [];
    const logger = Object.assign(new Logger('spec', 'silent'), {
      warn: (_text: string, { error }: { error: Error }) => void lines.push(error.message),
      log: (text: string) => void lines.push(text),
    });
    // Two failures within 5 s; then others, and one that stays for ten minutes.
    const failures = ['away', 'away', 'refused', 'no login', 'no login', 'no login', undefined];
    const seconds = [0, 1, 2, 8, 9, 400, 401];
    const clock = jest.spyOn(performance, 'now');
    const runs = new Runs();
    loop = new BackgroundLoop({
      name: 'Spec',
      pauseMs: 1,
      logger,
      work: () => {
        const run = runs.begin() - 1;
        clock.mockReturnValue(1_000 * (seconds[run] ?? 500));
        const failure = failures[run];
        return failure === undefined ? Promise.resolve(false) : Promise.reject(new Error(failure));
      },
    });
    loop.start();
    await runs.reach(8);
    clock.mockRestore();
    expect(lines).toEqual(['away', 'no login', 'no login', 'Spec works again']);
  });

  it('goes on after an error that is the cause of its own cause', async () => {
    const runs = new Runs();
    const error = new Error('round');
    error.cause = new Error('and round', { cause: error });
    start(() => (runs.begin() === 1 ? Promise.reject(error) : Promise.resolve(false)), 1);
    await runs.reach(2);
  });
});
