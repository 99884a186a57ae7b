// The whole house, told of by streams, webhooks and files, over real HTTP.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JsonObject } from '@countersign/contract'
import { systemWorld, type World } from '#base'
import { parseConfig } from '#config'
import { silentLog } from '#telemetry'
import { openHouse, type House } from '../../src/server.ts'
import { ask, modern, type Wire } from '../stories/raw.ts'

type Loose = Readonly<Record<string, unknown>>

const CABINET = fileURLToPath(new URL('../policy/cabinet.ts', import.meta.url))

/** What tokens are made for. */
export const PUBLIC = 'http://localhost:1'

/** `whsec_` and 32 bytes, which are no secret to anybody here. */
export const secretOf = (byte: number): string =>
  `whsec_${Buffer.alloc(32, byte).toString('base64')}`

export const ASKING = `@id("everything") permit(principal, action, resource);
@id("delete-asks") @ask("sre") @message("Mind the notes")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/delete_note");`

export interface FeedPlan {
  readonly events?: Loose
  readonly auth?: Loose
  /** Groups and the rest of `policy.approvals`; the policy asks before a note is deleted. */
  readonly groups?: Readonly<Record<string, readonly string[]>>
  readonly approvals?: Loose
  /** A folder that outlives the house. */
  readonly data?: string
  readonly world?: World
}

export interface FeedHouse extends AsyncDisposable {
  readonly house: House
  readonly folder: string
  readonly origin: string
  /** Calls a tool of the cabinet, and reads its text. */
  readonly call: (name: string, args?: JsonObject, token?: string) => Promise<string>
  readonly stream: (query?: string, headers?: Readonly<Record<string, string>>) => Promise<Reader>
  readonly stop: () => Promise<void>
}

export function makeScene(plan: FeedPlan, folder: string): string {
  const { events, auth, groups, approvals = {} } = plan
  const policies = join(folder, 'policies')
  if (groups) {
    mkdirSync(policies, { recursive: true })
    writeFileSync(join(policies, 'a.cedar'), ASKING)
  }
  const written = {
    listen: { port: 0, ...(auth ? { publicUrl: PUBLIC } : {}) },
    data: join(folder, 'data'),
    servers: { cabinet: { command: process.execPath, args: [CABINET, join(folder, 'effects')] } },
    ...(events ? { events } : {}),
    ...(auth ? { auth } : {}),
    ...(groups ? { policy: { folder: 'policies', groups, approvals } } : {}),
  }
  const path = join(folder, 'countersign.json')
  writeFileSync(path, JSON.stringify(written))
  return path
}

export async function openFeedHouse(plan: FeedPlan = {}): Promise<FeedHouse> {
  const folder = plan.data ?? mkdtempSync(join(tmpdir(), 'countersign-feeds-'))
  const path = makeScene(plan, folder)
  const world = plan.world ?? systemWorld
  const config = parseConfig({ world, text: readFileSync(path, 'utf8'), path })
  const house = await openHouse(config, { world, log: silentLog })
  const alive = setInterval(() => undefined, 60_000)
  const { port } = await house.listen()
  const origin = `http://127.0.0.1:${String(port)}`
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    stopped ??= Promise.resolve(house[Symbol.asyncDispose]())
    await stopped
  }
  const token = house.adminToken.reveal()
  return {
    house,
    folder,
    origin,
    stop,
    call: async (name, args = {}, shown) => {
      const url = new URL(`${origin}/mcp/cabinet`)
      const headers = shown === undefined ? {} : { authorization: `Bearer ${shown}` }
      const { json } = await ask(
        url,
        modern('tools/call', { params: { name, arguments: args }, headers }),
      )
      return String(json.result.content[0].text)
    },
    stream: (query = '', headers = {}) =>
      listen(`${origin}/admin/events${query}`, { authorization: `Bearer ${token}`, ...headers }),
    async [Symbol.asyncDispose]() {
      try {
        await stop()
      } finally {
        clearInterval(alive)
        if (plan.data === undefined) rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}

/** One server-sent event. */
export interface Said {
  readonly id: string | undefined
  readonly name: string | undefined
  readonly data: Wire
}

/** Reads a stream when it wants to. */
export interface Reader extends Disposable {
  readonly response: IncomingMessage
  /** The next event with data; undefined at the end of the stream. */
  readonly next: () => Promise<Said | undefined>
  /** So many of them. */
  readonly take: (count: number) => Promise<readonly Said[]>
  /** Everything until the end. */
  readonly rest: () => Promise<readonly Said[]>
}

export async function listen(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Reader> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { headers, agent: false }, resolve).on('error', reject).end()
  })
  const said = eventsIn(response)
  const next = async (): Promise<Said | undefined> => {
    for (;;) {
      const { value, done } = await said.next()
      if (done === true) return undefined
      if (value.data !== undefined) return value
    }
  }
  const take = async (count: number): Promise<readonly Said[]> => {
    const taken: Said[] = []
    while (taken.length < count) {
      const one = await next()
      if (!one) throw new Error(`the stream ended after ${String(taken.length)}`)
      taken.push(one)
    }
    return taken
  }
  const rest = async (): Promise<readonly Said[]> => {
    const all: Said[] = []
    for (let one = await next(); one; one = await next()) all.push(one)
    return all
  }
  return {
    response,
    next,
    take,
    rest,
    [Symbol.dispose]: () => {
      response.destroy()
    },
  }
}

/** WHATWG HTML §9.2.6, as much of it as our stream uses. */
async function* eventsIn(response: IncomingMessage): AsyncGenerator<Said> {
  let rest = ''
  response.setEncoding('utf8')
  for await (const text of response) {
    const blocks = `${rest}${String(text)}`.split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const lines = block.split('\n')
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      const data = field('data')
      yield {
        id: field('id'),
        name: field('event'),
        data: data === undefined ? undefined : JSON.parse(data),
      }
    }
  }
}
