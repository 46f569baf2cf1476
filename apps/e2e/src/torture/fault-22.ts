import { longForm } from './long-form.ts';

export const fault = longForm(22, 'every message doubled and shuffled within 100', [
  'tools/local-stack/src/event-consumer.spec.ts',
]);
