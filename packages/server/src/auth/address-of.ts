import type { IncomingMessage } from 'node:http'
import { mayReach } from './addresses.ts'

/**
 * Whom to count tries for. Behind a proxy the connection is the proxy's: then its word counts, which
 * is the last one; what stands before it anybody can write.
 */
export function addressOf(origin: string): (request: IncomingMessage) => string {
  const { hostname } = new URL(origin)
  const isNear = hostname === 'localhost' || /^(?:127\.|\[::1\])/.test(hostname)
  return ({ socket, headers }) => {
    const peer = socket.remoteAddress ?? ''
    const isProxy = !isNear && peer !== '' && !mayReach(peer, 'public')
    const forwarded = [headers['x-forwarded-for'] ?? ''].flat().join(',').split(',').at(-1)?.trim()
    return isProxy && forwarded !== undefined && forwarded !== '' ? forwarded.slice(0, 64) : peer
  }
}
