import { longForm } from './long-form.ts';

export const fault = longForm(25, 'connections to Postgres and NATS that fall silent', [
  'apps/e2e/src/faults/wires.spec.ts',
]);
