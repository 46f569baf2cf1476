import { longForm } from './long-form.ts';

export const fault = longForm(18, 'any sequence of commands and killed replicas against a model', [
  'apps/e2e/src/faults/clocks-and-crashes.spec.ts',
]);
