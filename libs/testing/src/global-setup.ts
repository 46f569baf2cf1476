import { POSTGRES_URL, startTestServers } from './test-servers.ts';

/** Jest's globalSetup of projects that need servers. Uses those of `npm test`, or starts some of its own. */
export default async function globalSetup(): Promise<void> {
  if (process.env[POSTGRES_URL]) return;
  const { env, stop } = await startTestServers();
  Object.assign(process.env, env);
  (globalThis as { stopTestServers?: () => Promise<void> }).stopTestServers = stop;
}
