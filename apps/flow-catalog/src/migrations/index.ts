import { CreateFlows1763800100000 } from './1763800100000-create-flows.ts';

/** In the order they run. */
export const migrations = [CreateFlows1763800100000];
