import { longForm } from './long-form.ts';

export const fault = longForm(24, 'lost acknowledgements, a full stream, a missing one', [
  'apps/e2e/src/faults/wires.spec.ts',
]);
