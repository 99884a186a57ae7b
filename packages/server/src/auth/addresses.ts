import { BlockList, isIP } from 'node:net'
import type { Reach } from './settings.ts'

/** IANA's registry of special-purpose IPv4 addresses, multicast and what is reserved (RFC 6890). */
const SPECIAL_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
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
]
/** Of the one block that is routed at all: tunnels that lead to IPv4, documentation, assignments. */
const SPECIAL_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']

const special4 = blocks('ipv4', SPECIAL_4)
const special6 = blocks('ipv6', SPECIAL_6)
const routed6 = blocks('ipv6', ['2000::/3'])
const private4 = blocks('ipv4', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'])
const private6 = blocks('ipv6', ['fc00::/7'])
const loopback4 = blocks('ipv4', ['127.0.0.0/8'])
const loopback6 = blocks('ipv6', ['::1/128'])

function blocks(family: 'ipv4' | 'ipv6', list: readonly string[]): BlockList {
  const made = new BlockList()
  for (const one of list) {
    const [net = '', prefix = ''] = one.split('/')
    made.addSubnet(net, Number(prefix), family)
  }
  return made
}

/**
 * Whether a connection to this address is one that somebody meant. Link-local addresses, where clouds
 * keep their credentials, and IPv4 in IPv6 dress are never meant.
 */
export function mayReach(address: string, reach: Reach): boolean {
  const family = isIP(address)
  if (family === 4) {
    if (reach === 'loopback') return loopback4.check(address)
    return !special4.check(address) || (reach === 'private' && private4.check(address))
  }
  if (family !== 6 || address.includes('%')) return false
  if (reach === 'loopback') return loopback6.check(address, 'ipv6')
  const isPublic = routed6.check(address, 'ipv6') && !special6.check(address, 'ipv6')
  return isPublic || (reach === 'private' && private6.check(address, 'ipv6'))
}
