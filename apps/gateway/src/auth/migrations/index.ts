import { CreateTokens1763800100000 } from './1763800100000-create-tokens.ts';

/** In the order they run. */
export const migrations = [CreateTokens1763800100000];
