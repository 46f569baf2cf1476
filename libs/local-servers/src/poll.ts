import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks `probe` again and again until it gives a value other than undefined.
 * @param limits `everyMs` between two probes (default 50), `timeoutMs` in all
 * @returns what the probe gave, or undefined when the time is up
 * @throws what the probe throws; the signal's reason once it is aborted
 */
export async function pollUntil<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  limits: { timeoutMs: number; everyMs?: number; signal?: AbortSignal },
): Promise<T | undefined> {
  const deadline = Date.now() + limits.timeoutMs;
  for (;;) {
    limits.signal?.throwIfAborted();
    const value = await probe();
    if (value !== undefined) return value;
    if (Date.now() >= deadline) return undefined;
    await sleep(limits.everyMs ?? 50);
  }
}
