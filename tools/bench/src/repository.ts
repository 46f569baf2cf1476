import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root folder of this repository, wherever it was cloned to. */
export const REPOSITORY_ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** A built program of a service, such as appProgram('gateway', 'main'). */
export function appProgram(app: string, program: string): string {
  return join(REPOSITORY_ROOT, 'apps', app, 'dist', `${program}.js`);
}
