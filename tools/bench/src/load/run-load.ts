import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Load, LoadResult } from './load.ts';

const GENERATOR = fileURLToPath(new URL('./generator.ts', import.meta.url));

/**
 * Puts a load on a system from a process of its own.
 * @throws Error when the generator ends without a result; the signal's reason once it is aborted
 */
export async function runLoad(load: Load, signal: AbortSignal): Promise<LoadResult> {
  signal.throwIfAborted();
  const child = fork(GENERATOR, { stdio: 'inherit', serialization: 'advanced' });
  const end = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', end);
  try {
    return await new Promise<LoadResult>((resolve, reject) => {
      child.once('message', (result) => resolve(result as LoadResult));
      child.once('error', reject);
      child.once('exit', (code, by) => {
        const reason: unknown = signal.reason;
        reject(reason instanceof Error ? reason : new Error(`The load generator ended (${by ?? code})`));
      });
      child.send(load);
    });
  } finally {
    signal.removeEventListener('abort', end);
  }
}
