import { longForm } from './long-form.ts';

export const fault = longForm(20, '100,000 sessions due in one second, while every replica was down', [
  'apps/session/src/session-drain.spec.ts',
]);
