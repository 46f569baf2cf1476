import { CreateTokens1763800100000 } from './1763800100000-create-tokens.ts';
import { CreateRateLimitWindows1763900000000 } from './1763900000000-create-rate-limit-windows.ts';

/** In the order they run. */
export const migrations = [CreateTokens1763800100000, CreateRateLimitWindows1763900000000];
