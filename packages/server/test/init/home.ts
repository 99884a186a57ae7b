import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { systemWorld } from '#base'
import { init, type InitOptions } from '../../src/cli/init.ts'

/** A person's home in a temporary folder, and the command run in it. */
export interface Home {
  readonly home: string
  readonly cwd: string
  readonly put: (path: string, content: string | Buffer) => string
  readonly read: (path: string) => string
  /** Everything below: path, kind or content, mode. */
  readonly everything: () => ReadonlyMap<string, string>
  readonly run: (options?: InitOptions, more?: Partial<Terminal>) => Promise<Ran>
  readonly [Symbol.dispose]: () => void
}

export interface Ran {
  readonly code: number
  readonly out: string
  readonly asked: readonly string[]
}

interface Terminal {
  readonly platform: NodeJS.Platform
  readonly answers: readonly boolean[]
  readonly env: Readonly<Record<string, string>>
}

/** Paths start at the home, or with `work/` in the folder the command runs in. */
export function makeHome(): Home {
  const home = mkdtempSync(join(tmpdir(), 'countersign-init-'))
  const cwd = join(home, 'work')
  mkdirSync(cwd)
  return {
    home,
    cwd,
    put: (path, content) => {
      const full = join(home, path)
      mkdirSync(dirname(full), { recursive: true })
      writeFileSync(full, content)
      return full
    },
    read: (path) => readFileSync(join(home, path), 'utf8'),
    everything: () => new Map(walk(home)),
    run: async (options = {}, { platform = 'linux', answers, env = {} } = {}) => {
      const written: string[] = []
      const asked: string[] = []
      const left = [...(answers ?? [])]
      const code = await init(options, {
        world: { ...systemWorld, env: (name) => env[name] },
        home,
        cwd,
        platform,
        stdout: { write: (text) => written.push(text) },
        isTTY: answers !== undefined,
        ask: (question) => {
          asked.push(question)
          return Promise.resolve(left.shift() ?? false)
        },
      })
      return { code, out: written.join(''), asked }
    },
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  }
}

function walk(folder: string): [string, string][] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry): [string, string][] => {
    const path = join(folder, entry.name)
    if (entry.isSymbolicLink()) return [[path, `link ${readlinkSync(path)}`]]
    if (entry.isDirectory()) return [[path, 'folder'], ...walk(path)]
    return [[path, `${lstatSync(path).mode & 0o777} ${readFileSync(path).toString('base64')}`]]
  })
}
