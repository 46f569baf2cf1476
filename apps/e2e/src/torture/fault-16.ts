import { longForm } from './long-form.ts';

export const fault = longForm(
  16,
  'starts that race expiry, cancels and restarts, replies that race their end, 1,000 rounds each',
  ['apps/session/src/session-races.spec.ts', 'apps/session/src/conversation-races.spec.ts'],
);
