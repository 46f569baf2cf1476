import { isIP } from 'node:net';
import { isPublicAddress } from './public-address.ts';

/** Names that lead into a network of somebody's own (RFC 6761, 6762, 8375, 9476; and habits of clouds and routers). */
const LOCAL_SUFFIXES = [
  'localhost',
  'local',
  'localdomain',
  'internal',
  'intranet',
  'private',
  'corp',
  'home',
  'home.arpa',
  'lan',
  'alt',
  'test',
  'invalid',
  'onion',
  'arpa',
];

/**
 * Whether a URL's host may be on the internet: a public IP address however it is written, or a name with a dot that is
 * not kept for local networks. What the name resolves to is not known here: isPublicAddress is for that.
 */
export function isPublicHost(url: URL): boolean {
  // The URL parser has turned decimal, octal, hex and full-width forms into four numbers, and names into lower case.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (isIP(host) !== 0) return isPublicAddress(host);
  return host.includes('.') && !LOCAL_SUFFIXES.some((suffix) => host.endsWith(`.${suffix}`));
}
