import { request, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { Fault } from '@countersign/contract'
import { requireToken } from '#admin'
import { localAuthenticator } from '#auth'
import type { Config } from '#config'
import { serveStdio } from '#gateway'
import type { House } from '../server.ts'
import { EXIT } from './command.ts'
import type { Io } from './io.ts'
import { findRunning } from './running.ts'

const PROTOCOL = 'countersign-stdio'
const PATH = '/admin/stdio/'

/**
 * Lets further `serve --stdio` of the same configuration use this process: a store has one owner, and
 * every desktop client starts a gateway of its own.
 */
export function acceptRelays(house: House, server: Server): void {
  server.on('upgrade', (upgrade, socket) => {
    socket.on('error', () => socket.destroy())
    const view = house.gateway.view(decodeURIComponent(upgrade.url?.slice(PATH.length) ?? ''))
    try {
      if (upgrade.headers.upgrade !== PROTOCOL || !upgrade.url?.startsWith(PATH) || !view) {
        throw new Fault('http/not-found', 'Nothing is upgraded here.')
      }
      requireToken(upgrade, house.adminToken)
    } catch {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
      return
    }
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${PROTOCOL}\r\n\r\n`,
    )
    const { gateway, config } = house
    const who = localAuthenticator(undefined)
    serveStdio({ gateway, who, view, input: socket, output: socket, limits: config.limits })
      .catch(() => undefined)
      .finally(() => socket.end())
  })
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
  const upgrade = request(new URL(PATH + encodeURIComponent(view), running.url), {
    headers: {
      connection: 'upgrade',
      upgrade: PROTOCOL,
      authorization: `Bearer ${running.token.reveal()}`,
    },
  })
  upgrade.end()
  const socket = await new Promise<Duplex>((resolve, reject) => {
    upgrade.once('upgrade', (_response, upgraded) => {
      resolve(upgraded)
    })
    upgrade.once('response', () => {
      reject(
        new Fault('http/not-found', `the running Countersign has no server or view "${view}".`),
      )
    })
    upgrade.once('error', reject)
  })
  io.stdin.pipe(socket)
  socket.pipe(io.stdout, { end: false })
  await finished(socket, { writable: false })
  return EXIT.ok
}
