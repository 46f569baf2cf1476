import type { StreamFacts } from '@parley/events';

/** The stream that holds what happens to sessions. */
export const SESSION_STREAM: StreamFacts = {
  name: 'PARLEY_SESSION',
  subjects: 'session.>',
  source: '/parley/session',
};
