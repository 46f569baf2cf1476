export { AddressRefusedError, publicLookup, type Resolve } from './public-lookup.ts';
