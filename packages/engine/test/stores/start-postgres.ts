import { execFileSync, spawn, type SpawnOptions } from 'node:child_process'
import { chownSync, existsSync, globSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

/** A Postgres server of our own: a socket in a folder, no port. */
export interface RunningPostgres {
  readonly connectionString: string
  /** Ends it at once, as a crash would. */
  readonly crash: () => Promise<void>
  /** Starts it again over the same database. */
  readonly startAgain: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Where the binaries are, or why there is nothing to run. */
export function findPostgres(): { readonly bin: string } | { readonly why: string } {
  const path = (process.env['PATH'] ?? '').split(delimiter).map((place) => join(place, 'initdb'))
  const debian = globSync('/usr/lib/postgresql/*/bin/initdb').toSorted((a, b) =>
    b.localeCompare(a, 'en', { numeric: true }),
  )
  const initdb = [...debian, ...path].find((file) => existsSync(file))
  if (initdb === undefined) return { why: 'there is no initdb in PATH or /usr/lib/postgresql' }
  if (process.getuid?.() === 0 && !other()) {
    return { why: 'Postgres does not run as root, and there is no user postgres or nobody' }
  }
  return { bin: dirname(realpathSync(initdb)) }
}

interface User {
  readonly uid: number
  readonly gid: number
}

/** Whom to run it as when we are root. */
function other(): User | undefined {
  for (const name of ['postgres', 'nobody']) {
    try {
      const ask = (flag: string): number =>
        Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }))
      return { uid: ask('-u'), gid: ask('-g') }
    } catch {
      // No such user: the next one.
    }
  }
  return undefined
}

/** Makes a database in a temporary folder and starts it; resolves when it takes connections. */
export async function startPostgres(bin: string): Promise<RunningPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'cs-pg-'))
  const user = process.getuid?.() === 0 ? other() : undefined
  if (user) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const options = { cwd: folder, ...user }
  const flags = ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
  execFileSync(join(bin, 'initdb'), flags, { ...options, stdio: 'ignore' })
  const boot = (): Promise<Booted> => bootIn(bin, folder, options)
  let server = await boot()
  return {
    connectionString: `postgresql://test@/postgres?host=${encodeURIComponent(folder)}`,
    crash: () => server.end('SIGQUIT'),
    startAgain: async () => {
      server = await boot()
    },
    stop: async () => {
      await server.end('SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Booted {
  readonly end: (signal: NodeJS.Signals) => Promise<void>
}

/** Resolves when it takes connections. */
async function bootIn(bin: string, folder: string, options: SpawnOptions): Promise<Booted> {
  const settings = ['-c', 'listen_addresses=', '-c', `unix_socket_directories=${folder}`]
  const server = spawn(join(bin, 'postgres'), ['-D', join(folder, 'data'), ...settings], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = new Promise<void>((resolve) => {
    server.once('exit', () => {
      resolve()
    })
  })
  const log: string[] = []
  const lines = createInterface({ input: server.stderr })
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (text) => {
      log.push(text)
      if (text.includes('ready to accept connections')) resolve()
    })
    server.once('exit', () => {
      reject(new Error(`postgres ended:\n${log.join('\n')}`))
    })
  })
  return {
    end: async (signal) => {
      server.kill(signal)
      await exited
    },
  }
}
