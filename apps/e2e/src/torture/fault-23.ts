import { longForm } from './long-form.ts';

export const fault = longForm(23, 'consumers that are down or slow, and poisonous messages', [
  'tools/local-stack/src/event-consumer.spec.ts',
  'tools/local-stack/src/events.spec.ts',
]);
