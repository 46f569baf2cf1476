import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress } from '@parley/flow-engine';

/** As dns.lookup with all: true. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** A name led to an address that is not the internet's. */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';

  constructor() {
    super('The name leads into a private network');
  }
}

/**
 * As dns.lookup, for names whose every address is the internet's; any other fails with an AddressRefusedError. For the
 * `lookup` of a connection: it is asked as one is made, so a name that leads elsewhere the second time gains nothing. A host
 * that is an address is never looked up: isPublicHost is for those.
 * @param hosts addresses of names that the operator has decided on, private ones too; default none
 * @param resolve how other names are looked up; default as the system does
 */
export function publicLookup(
  hosts: ReadonlyMap<string, string> = new Map(),
  resolve: Resolve = lookup,
): LookupFunction {
  return (hostname, options, callback) => {
    const give = (addresses: LookupAddress[]): void => {
      const [first] = addresses;
      if (!first) callback(new AddressRefusedError(), []);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    };
    const named = hosts.get(hostname);
    if (named !== undefined) return give([{ address: named, family: isIP(named) }]);
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) callback(error, []);
      else give(addresses.every(({ address }) => isPublicAddress(address)) ? addresses : []);
    });
  };
}
