import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../listen.ts'
import { policyText } from '../policy-text.ts'
import { startProgram, type Running } from '../processes.ts'
import { rssBytes } from '../usage.ts'
import { AUDIENCE, type Issuer } from './issuer.ts'
import { buildShipped } from './shipped.ts'
import { MARK, modernCall, READ_TOOL } from './wire.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
let built: string | undefined
/** The program as published; built when first wanted. */
const program = (): string => (built ??= buildShipped(ROOT))
const UPSTREAM = fileURLToPath(new URL('upstream.ts', import.meta.url))

/** The one server behind the gateway, and so the view that is called. */
const SERVER = 'bench'
export const VIEW = `/mcp/${SERVER}`

/** How the server behind the gateway is reached: by its address, or as a child over pipes. */
export type Behind = { readonly url: string } | 'stdio'

/** A data folder with its configuration: everything by default but the server. */
export interface Home {
  readonly folder: string
  readonly config: string
  /** What a call needs that is to be answered. */
  readonly token: string | undefined
}

/** What a gateway is set up with beside its server. */
export interface Setup {
  readonly issuer?: Issuer
  /** How many policies judge each call; undefined: none, and everything may be called. */
  readonly policies?: number
}

export function makeHome(folder: string, behind: Behind, { issuer, policies }: Setup = {}): Home {
  mkdirSync(folder, { recursive: true })
  const server =
    behind === 'stdio' ? { command: process.execPath, args: [UPSTREAM, '--stdio'] } : behind
  const config = join(folder, 'countersign.yaml')
  // JSON is YAML. What the gateway says of itself is not measured; what it says of calls is.
  const usual = { data: './data', servers: { bench: server }, log: { level: 'warn' } }
  const auth = issuer && { issuers: [{ issuer: issuer.url, audience: AUDIENCE }] }
  const policy = policies === undefined ? undefined : writePolicies(folder, policies)
  const text = { ...usual, ...(auth ? { auth } : {}), ...(policy ? { policy } : {}) }
  writeFileSync(config, JSON.stringify(text, null, 2))
  return { folder, config, token: issuer?.bearer.token }
}

/** One in 25 is about the server that is called, as in the bench of policies alone. */
function writePolicies(folder: string, count: number): { readonly folder: string } {
  const permit = `@id("bench") permit(principal, action, resource in Server::"${SERVER}");`
  const others = policyText(count - 1, (at) => (at === 0 ? SERVER : `s${String(at)}`))
  mkdirSync(join(folder, 'policies'), { recursive: true })
  writeFileSync(join(folder, 'policies', 'bench.cedar'), `${permit}\n${others}\n`)
  return { folder: 'policies' }
}

/** A gateway that has answered a call. */
export interface Gateway {
  readonly running: Running
  readonly origin: string
}

const READY_MS = 30_000
const LOOK_AGAIN_MS = 20

/** Runs the gateway as an operator would, its lines about calls going to nobody. */
export async function startGateway(home: Home, execArgv: readonly string[] = []): Promise<Gateway> {
  const port = await freePort()
  const running = startProgram({
    name: 'the gateway',
    args: [...execArgv, program(), 'serve', '--config', home.config, '--port', String(port)],
    cwd: home.folder,
    stdout: 'null',
  })
  const origin = `http://127.0.0.1:${String(port)}`
  const until = performance.now() + READY_MS
  while (!(await isReady(origin))) {
    if (running.child.exitCode !== null || performance.now() > until) {
      await running.stop()
      throw new Error('the gateway did not start')
    }
    await sleep(LOOK_AGAIN_MS)
  }
  await callOnce(origin, home.token)
  return { running, origin }
}

const isReady = (origin: string): Promise<boolean> =>
  new Promise((resolve) => {
    request(`${origin}/readyz`, { agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200))
    })
      .on('error', () => resolve(false))
      .end()
  })

const bearer = (token: string | undefined): readonly string[] =>
  token === undefined ? [] : ['authorization', `Bearer ${token}`]

/** One governed call; rejects unless it is answered rightly. */
function callOnce(origin: string, token?: string): Promise<void> {
  const { headers, body } = modernCall(READ_TOOL)
  return new Promise((resolve, reject) => {
    // A list of headers must name the host itself.
    const options = {
      method: 'POST',
      agent: false,
      headers: ['host', new URL(origin).host, ...headers, ...bearer(token)],
    }
    request(`${origin}${VIEW}`, options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('end', () => {
        if (text.includes(MARK)) resolve()
        else reject(new Error(`a call failed: HTTP ${String(response.statusCode)} ${text}`))
      })
    })
      .on('error', reject)
      .end(body)
  })
}

/** One start, from the process to its first answered call. */
export interface Start {
  readonly listeningMs: number
  readonly answeredMs: number
  readonly rssBytes: number | undefined
  /** A moment later, when nothing is being done. */
  readonly idleBytes: number | undefined
}

const IDLE_AFTER_MS = 500

export async function measureStart(home: Home, execArgv: readonly string[] = []): Promise<Start> {
  const main = program()
  const from = performance.now()
  const gateway = startProgram({
    name: 'the gateway',
    args: [...execArgv, main, 'serve', '--config', home.config, '--port', '0', '--json'],
    cwd: home.folder,
    stdout: 'pipe',
  })
  try {
    const origin = await listening(gateway)
    const listeningMs = performance.now() - from
    await callOnce(origin)
    const answeredMs = performance.now() - from
    const atFirst = rssBytes(gateway.pid)
    await sleep(IDLE_AFTER_MS)
    return { listeningMs, answeredMs, rssBytes: atFirst, idleBytes: rssBytes(gateway.pid) }
  } finally {
    await gateway.stop()
  }
}

interface Line {
  readonly event: string
  readonly url?: string
}

function listening({ child }: Running): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('the gateway did not start')))
    if (!child.stdout) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said: Line = JSON.parse(line)
      if (said.event === 'listening' && said.url !== undefined) resolve(new URL(said.url).origin)
    })
  })
}
