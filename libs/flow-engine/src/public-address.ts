import { BlockList, isIP } from 'node:net';

/**
 * Addresses that are not the internet's: loopback, private, link-local (clouds keep their metadata there), shared,
 * reserved, documentation, multicast. IANA's registries of special-purpose addresses, of IPv4 and of IPv6.
 */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // Of Azure, to the services of the host.
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/** Within what is routed at all: 2000::/3. Among them those that stand for an IPv4 address (Teredo, 6to4). */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

const special4 = listOf(SPECIAL_IPV4, 'ipv4');
const special6 = listOf(SPECIAL_IPV6, 'ipv6');
const routed6 = listOf(['2000::/3'], 'ipv6');

/**
 * Whether a request may go to this IP address, written as net.isIP takes it. To be asked of every address that a name
 * resolves to, at the moment of connecting and again after each redirect: a name can lead elsewhere the next time.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special4.check(address, 'ipv4');
    case 6:
      // Of what is not routed, ::1, fe80::, fc00:: and the IPv4 addresses mapped and embedded are the ones to fear.
      return !address.includes('%') && routed6.check(address, 'ipv6') && !special6.check(address, 'ipv6');
    default:
      return false;
  }
}

function listOf(networks: string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, bits] = network.split('/');
    list.addSubnet(address!, Number(bits), family);
  }
  return list;
}
