import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../listen.ts'
import { startProgram, type Running } from '../processes.ts'

export interface RestateServer {
  readonly running: Running
  readonly ingress: string
  readonly admin: string
}

const READY_MS = 60_000
const LOOK_AGAIN_MS = 50

/** The program as npm installs it for this machine; undefined where there is none. */
export function findRestate(peers: string): string | undefined {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`
  try {
    return createRequire(join(peers, 'package.json')).resolve(name)
  } catch {
    return undefined
  }
}

/** A single node with its default configuration, except for its addresses and that it tells nobody. */
export async function startRestate(command: string, folder: string): Promise<RestateServer> {
  mkdirSync(folder, { recursive: true })
  const [node, ingress, admin] = [await freePort(), await freePort(), await freePort()]
  const running = startProgram({
    name: 'the Restate server',
    command,
    args: ['--no-logo', '--listen-mode', 'tcp', '--node-name', 'bench', '--base-dir', folder],
    env: {
      RESTATE_BIND_IP: '127.0.0.1',
      RESTATE_BIND_PORT: String(node),
      RESTATE_INGRESS__BIND_PORT: String(ingress),
      RESTATE_ADMIN__BIND_PORT: String(admin),
      RESTATE_DISABLE_TELEMETRY: 'true',
      DO_NOT_TRACK: '1',
      RESTATE_LOG_FILTER: 'error',
    },
    cwd: folder,
    stdout: 'null',
  })
  const server = { running, ingress: origin(ingress), admin: origin(admin) }
  const until = performance.now() + READY_MS
  while (!(await isReady(server))) {
    if (running.child.exitCode !== null || performance.now() > until) {
      await running.stop()
      throw new Error('the Restate server did not start')
    }
    await sleep(LOOK_AGAIN_MS)
  }
  return server
}

const origin = (port: number): string => `http://127.0.0.1:${String(port)}`

async function isReady({ ingress, admin }: RestateServer): Promise<boolean> {
  try {
    const paths = [`${ingress}/restate/health`, `${admin}/health`]
    const answers = await Promise.all(paths.map((path) => fetch(path)))
    return answers.every(({ ok }) => ok)
  } catch {
    return false
  }
}
