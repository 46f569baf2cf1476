import { longForm } from './long-form.ts';

export const fault = longForm(19, 'replicas whose clocks are two hours off', [
  'apps/e2e/src/faults/clocks-and-crashes.spec.ts',
]);
