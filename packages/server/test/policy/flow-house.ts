// A house in front of the open web (over HTTP), customers and mail (over stdio), with any configuration.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemWorld, type World } from '#base'
import { parseConfig } from '#config'
import { silentLog, type Log } from '#telemetry'
import { openHouse, type House } from '../../src/server.ts'
import type { LedgerLine } from '../stories/house.ts'

type Entry = Readonly<Record<string, unknown>>

export interface FlowHouse extends AsyncDisposable {
  readonly house: () => House
  readonly url: () => URL
  readonly folder: string
  /** What has arrived at the servers, oldest first: the tool and its arguments. */
  readonly effects: () => readonly string[]
  readonly entries: (kind: string) => Promise<readonly LedgerLine[]>
  /** Has the web answer what was sent `to` `wait`. */
  readonly release: () => void
  /** Ends it, and opens it anew on the same data. */
  readonly reopen: () => Promise<void>
}

interface Plan {
  readonly files: Readonly<Record<string, string>>
  readonly config: (servers: Readonly<Record<string, Entry>>) => Entry
  readonly world?: World
  readonly log?: Log
}

const PEER = fileURLToPath(new URL('flow-peer.ts', import.meta.url))

export async function openFlowHouse({ files, config, world = systemWorld, log = silentLog }: Plan) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-flow-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const effects = join(folder, 'effects.txt')
  const program = (name: string): Entry => ({
    command: process.execPath,
    args: [PEER, name, effects],
  })
  const web = await servePeer(effects)
  const servers = { web: { url: web.url }, crm: program('crm'), mail: program('mail') }
  const written = { listen: { port: 0 }, data: './data', ...config(servers) }
  const path = join(folder, 'countersign.json')
  const text = JSON.stringify(written)
  const open = async () => {
    const house = await openHouse(parseConfig({ world, text, path }), { world, log })
    return { house, port: (await house.listen()).port }
  }
  let now = await open()
  const alive = setInterval(() => undefined, 60_000)
  const flow: FlowHouse = {
    folder,
    house: () => now.house,
    url: () => new URL(`http://127.0.0.1:${String(now.port)}/mcp`),
    effects: () => (existsSync(effects) ? readFileSync(effects, 'utf8').trim().split('\n') : []),
    entries: async (kind) =>
      (await now.house.ledger.read({ after: 0 })).filter((one) => one.kind === kind),
    release: () => {
      web.release()
    },
    reopen: async () => {
      await now.house[Symbol.asyncDispose]()
      now = await open()
    },
    async [Symbol.asyncDispose]() {
      clearInterval(alive)
      try {
        await now.house[Symbol.asyncDispose]()
      } finally {
        await web.close()
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
  return flow
}

/** The web as a server over HTTP, in this process. */
async function servePeer(effects: string) {
  const { answerTo } = await import('./flow-peer.ts')
  const held: (() => void)[] = []
  const server = createServer((request, response) => {
    if (request.method !== 'POST') {
      response.writeHead(405).end()
      return
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const message = JSON.parse(Buffer.concat(chunks).toString())
      const said = answerTo('web', effects, message)
      const answer = (): void => {
        if (said === undefined) response.writeHead(202).end()
        else {
          response.writeHead(200, { 'content-type': 'application/json' })
          response.end(JSON.stringify(said))
        }
      }
      if (message.params?.arguments?.to === 'wait') held.push(answer)
      else answer()
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- It listens on a port.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${String(port)}/mcp`,
    release: () => {
      for (const answer of held.splice(0)) answer()
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
