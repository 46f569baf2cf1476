import { longForm } from './long-form.ts';

export const fault = longForm(13, '200 concurrent starts of one contact over three replicas', [
  'apps/session/src/session-races.spec.ts',
]);
