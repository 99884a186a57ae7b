// The official suite for authorization servers, as a process of its own.

import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

const SUITE = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
)
/** It asks a person to sign in, and waits for that; nobody here takes so long. */
const PATIENCE_MS = 60_000

export interface Asked {
  readonly url: string
  readonly revision: string
  readonly clientId: string
  readonly clientSecret?: string | undefined
  readonly resource?: string | undefined
  readonly port: number
  /** Goes to the address that it names, as its person would. */
  readonly browse: (url: string) => Promise<unknown>
}

export interface Told {
  readonly code: number | null
  readonly output: string
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

export async function runSuite(asked: Asked): Promise<Told> {
  const { url, revision, clientId, clientSecret, resource, port, browse } = asked
  const args = ['authorization', '--url', url, '--client-id', clientId, '-p', String(port)]
  if (clientSecret !== undefined) args.push('--client-secret', clientSecret)
  if (resource !== undefined) args.push('--resource', resource)
  const child = spawn(process.execPath, [SUITE, ...args, '--spec-version', revision], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let problem = ''
  let isSent = false
  const hear = (chunk: Buffer): void => {
    output += chunk.toString()
    const found = new RegExp(`^${url}/authorize\\?\\S+$`, 'm').exec(output)?.[0]
    if (found === undefined || isSent) return
    isSent = true
    browse(found).catch((thrown: unknown) => {
      problem = String(thrown)
      child.kill()
    })
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const impatience = setTimeout(() => child.kill(), PATIENCE_MS)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(impatience)
  return { code, output: `${output}${problem}` }
}
