import type { StreamFacts } from '@parley/events';

/** The stream that holds what became of messages. What asks for them, message.requested, is the session's. */
export const CHANNEL_STREAM: StreamFacts = {
  name: 'PARLEY_CHANNEL',
  subjects: ['message.delivered', 'message.failed'],
  source: '/parley/channel',
};
