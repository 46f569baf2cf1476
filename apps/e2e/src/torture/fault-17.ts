import { longForm } from './long-form.ts';

export const fault = longForm(17, 'transactions that lose to others: 40001, 40P01, 55P03', [
  'apps/session/src/session-conflicts.spec.ts',
]);
