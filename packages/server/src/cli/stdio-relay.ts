import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream/promises'
import { Fault } from '@countersign/contract'
import { requireToken } from '#admin'
import { localAuthenticator } from '#auth'
import type { Config } from '#config'
import { serveStdio } from '#gateway'
import { UPGRADE, type FrontDoor } from '#http'
import type { View } from '#registry'
import type { House } from '../server.ts'
import { EXIT } from './command.ts'
import type { Io } from './io.ts'
import { openRelay, RELAY_PATH } from './relay.ts'
import { findRunning } from './running.ts'

/**
 * Lets further `serve --stdio` of the same configuration use this process: a store has one owner, and
 * every desktop client starts a gateway of its own.
 */
export function acceptRelays(house: House, { server, closing }: FrontDoor): void {
  const { gateway, config } = house
  server.on('upgrade', (upgrade, socket) => {
    socket.on('error', () => socket.destroy())
    let view: View
    try {
      view = requestedView(house, upgrade)
    } catch {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n', () => socket.destroy())
      return
    }
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${UPGRADE}\r\n\r\n`,
    )
    const who = localAuthenticator(undefined)
    const pipe = { input: socket, output: socket, closing }
    serveStdio({ gateway, who, view, ...pipe, limits: config.limits })
      .catch(() => undefined)
      .finally(() => socket.end(() => socket.destroy()))
  })
}

/** The token first: nothing of what a stranger sent is looked at before it. */
function requestedView({ adminToken, gateway }: House, upgrade: IncomingMessage): View {
  requireToken(upgrade, adminToken)
  const path = upgrade.url ?? ''
  const view = path.startsWith(RELAY_PATH)
    ? gateway.view(decodeURIComponent(path.slice(RELAY_PATH.length)))
    : undefined
  if (view && upgrade.headers.upgrade === UPGRADE) return view
  throw new Fault('http/not-found', 'Nothing is upgraded here.')
}

/** Hands this process's pipe to the Countersign that owns the store. */
export async function relayStdio(
  config: Config,
  io: Io,
  view: string,
  refused: Fault,
): Promise<number> {
  const running = await findRunning(config)
  if (!running) throw refused
  const socket = await openRelay(running, view)
  io.stdin.pipe(socket)
  socket.pipe(io.stdout, { end: false })
  await finished(socket, { writable: false })
  return EXIT.ok
}
