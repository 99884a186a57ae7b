import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv4 } from 'node:net'

/** Entries of `X-Forwarded-For` that are looked at, from its end: more proxies stand in no row. */
const HOPS_MAX = 10

/**
 * The network address that a request comes from, for policies. What a header says counts as far as
 * proxies that the operator named have written it; before that anybody can write anything.
 * Undefined where a proxy of ours does not say, in a form that we know, for whom it asks (PO-060).
 */
export function callerAt(
  proxies: readonly string[],
): (request: Pick<IncomingMessage, 'socket' | 'headers'>) => string | undefined {
  const isProxy = proxies.length === 0 ? never : listed(proxies)
  return ({ socket, headers }) => {
    const peer = plain(socket.remoteAddress ?? '')
    if (peer === undefined || !isProxy(peer)) return peer
    const told = [headers['x-forwarded-for'] ?? ''].flat().join(',').split(',')
    for (const one of told.slice(-HOPS_MAX).toReversed()) {
      const address = plain(one.trim())
      if (address === undefined || !isProxy(address)) return address
    }
    return undefined
  }
}

const never = (): boolean => false

/** An address or a network in the notation of RFC 4632, as it may stand in a list of proxies. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const longest = { 4: 32, 6: 128 }[isIP(address)]
  if (longest === undefined || more.length > 0 || address.includes('%')) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest)
}

function listed(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const one of networks) {
    const [address = '', bits] = one.split('/')
    if (bits === undefined) list.addAddress(address, familyOf(address))
    else list.addSubnet(address, Number(bits), familyOf(address))
  }
  return (address) => list.check(address, familyOf(address))
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv4(address) ? 'ipv4' : 'ipv6')

/** IPv4 in IPv6 dress is IPv4 (RFC 4291 §2.5.5.2); a zone belongs to one machine. */
function plain(address: string): string | undefined {
  const bare = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  return isIP(bare) === 0 ? undefined : bare
}
