/** Installs the agent programs that are pinned beside us, outside of everything that we ship. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../../e2e/run-quickstart.ts'

/** Ignored by git; named for what is in it, so that a changed pin is another folder. */
const BUILD = join(ROOT, 'build', 'clients')
const PINS = join(ROOT, 'test', 'clients')
const FILES = ['package.json', 'package-lock.json']

/** Resolves with the `node_modules` in which the programs are. */
export async function installPrograms(): Promise<string> {
  const pins = await readFile(join(PINS, 'package-lock.json'))
  const name = createHash('sha256').update(pins).digest('hex').slice(0, 12)
  const folder = join(BUILD, name)
  if (!existsSync(folder)) await install(folder)
  return join(folder, 'node_modules')
}

/** In a folder of its own until it is whole: what was cut off is never taken for an installation. */
async function install(folder: string): Promise<void> {
  await rm(BUILD, { recursive: true, force: true, maxRetries: 3 })
  await mkdir(BUILD, { recursive: true })
  const fresh = await mkdtemp(join(BUILD, 'new-'))
  for (const file of FILES) await copyFile(join(PINS, file), join(fresh, file))
  await npmCi(fresh)
  await rename(fresh, folder)
}

/** No install scripts: each program is started by the file that its package brings. */
const FLAGS = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']

async function npmCi(cwd: string): Promise<void> {
  const shell = process.platform === 'win32'
  const npm = spawn('npm', ['ci', ...FLAGS], { cwd, shell, stdio: ['ignore', 2, 2] })
  const [code] = (await once(npm, 'exit')) as [number | null]
  if (code === 0) return
  throw new Error(
    `The agent programs could not be installed: npm ci ended with ${String(code)}; its reason is above.`,
  )
}
