import type { StreamFacts } from '@parley/events';

/** The stream that holds what happens to sessions and what they ask for: together, so that a session's events keep their order. */
export const SESSION_STREAM: StreamFacts = {
  name: 'PARLEY_SESSION',
  subjects: ['session.>', 'message.requested'],
  source: '/parley/session',
};
