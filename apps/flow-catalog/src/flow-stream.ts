import type { StreamFacts } from '@parley/events';

/** The stream that holds what happens to flows. */
export const FLOW_STREAM: StreamFacts = {
  name: 'PARLEY_FLOW',
  subjects: ['flow.>'],
  source: '/parley/flow-catalog',
};
