import { longForm } from './long-form.ts';

export const fault = longForm(15, 'callers that give up after 1 to 50 ms and try again', [
  'apps/session/src/session-deadlines.spec.ts',
]);
