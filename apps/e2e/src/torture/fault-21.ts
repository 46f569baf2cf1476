import { longForm } from './long-form.ts';

export const fault = longForm(21, 'transactions that stay open, here and in another database', [
  'apps/session/src/open-transaction.spec.ts',
]);
