import { BlockList, isIP } from 'node:net'

// IANA's special-purpose registries: what is not on the public internet, by address.
const NOT_PUBLIC_V4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24'],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
]
/** Within 2000::/3, the only part that is public: protocols, documentation, and tunnels that carry any IPv4 address. */
const NOT_PUBLIC_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']

const refused = new BlockList()
for (const range of NOT_PUBLIC_V4) add(range, 'ipv4')
for (const range of NOT_PUBLIC_V6) add(range, 'ipv6')
const global6 = new BlockList()
global6.addSubnet('2000::', 3, 'ipv6')

function add(range: string, family: 'ipv4' | 'ipv6'): void {
  const [address, length] = range.split('/')
  refused.addSubnet(address!, Number(length), family)
}

/**
 * Whether an IP address lies on the public internet: not this machine, its network, a cloud's metadata, a carrier's inside,
 * or reserved. IPv6 that wraps an IPv4 address (mapped, translated, tunnelled) is none, whatever it wraps.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !refused.check(address, 'ipv4')
  return family === 6 && global6.check(address, 'ipv6') && !refused.check(address, 'ipv6')
}
