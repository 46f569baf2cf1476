import { longForm } from './long-form.ts';

export const fault = longForm(
  14,
  '200 concurrent starts with one request id, other bodies, replays after the end',
  ['apps/session/src/session-retries.spec.ts'],
);
