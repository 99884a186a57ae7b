import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { SECRETS_FILE, type Config } from '#config'
import type { Finding } from './doctor.ts'
import { findRunning } from './running.ts'

/** What has nothing to do with any server: this Node, the data folder, the port. */
export async function checkMachine(config: Config): Promise<readonly Finding[]> {
  return [checkNode(), checkData(config), ...checkSecrets(config), await checkPort(config)]
}

const NODE_MIN = [22, 18] as const

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isNew = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])
  return {
    check: 'node',
    verdict: isNew ? 'pass' : 'fail',
    what: process.versions.node,
    ...(isNew ? {} : { fix: `install Node ${NODE_MIN.join('.')} or newer` }),
  }
}

function checkData({ data }: Config): Finding {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
    accessSync(data, constants.R_OK | constants.W_OK)
    return { check: 'data', verdict: 'pass', what: data }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    return {
      check: 'data',
      verdict: 'fail',
      what: why,
      fix: 'point "data" at a folder you may write to',
    }
  }
}

const FOR_OTHERS = 0o077

/** Nothing is said of a file that is not there, or of a system without modes. */
function checkSecrets({ data }: Config): readonly Finding[] {
  const path = join(data, SECRETS_FILE)
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
  if (process.platform === 'win32' || (mode & FOR_OTHERS) === 0) return []
  return [
    {
      check: 'secrets',
      verdict: 'warn',
      what: `${path} is open to other users of this machine`,
      fix: `chmod 600 ${path}`,
    },
  ]
}

async function checkPort(config: Config): Promise<Finding> {
  const { host, port } = config.listen
  const where = `${host}:${String(port)}`
  const running = await findRunning(config)
  if (running)
    return { check: 'port', verdict: 'pass', what: `Countersign runs at ${running.url.origin}` }
  const isFree = await new Promise<boolean>((resolve) => {
    const probe = createServer()
    probe.once('error', () => {
      resolve(false)
    })
    probe.listen(port, host, () => {
      probe.close(() => {
        resolve(true)
      })
    })
  })
  return isFree
    ? { check: 'port', verdict: 'pass', what: `${where} is free` }
    : {
        check: 'port',
        verdict: 'fail',
        what: `${where} is taken by another program`,
        fix: 'stop it, or set listen.port',
      }
}
