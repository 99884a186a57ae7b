import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const WANTED = fileURLToPath(new URL('peers', import.meta.url))
const PEERS = fileURLToPath(new URL('../.peers', import.meta.url))
const LOCK = 'package-lock.json'

/**
 * Installs what we compare ourselves with, once, into a folder that git ignores: neither `npm ci` nor
 * `npm test` knows of it. Resolves with the folder, or with why it could not be installed.
 */
export async function installPeers(): Promise<
  { readonly folder: string } | { readonly why: string }
> {
  if (isInstalled()) return { folder: PEERS }
  process.stderr.write('Installing DBOS and Restate into bench/.peers, once: some 240 MB.\n')
  mkdirSync(PEERS, { recursive: true })
  for (const name of ['package.json', LOCK]) copyFileSync(join(WANTED, name), join(PEERS, name))
  const ended = await install()
  if (ended === 0) return { folder: PEERS }
  return { why: `npm ci ended with ${String(ended)}` }
}

/** The hidden lock file is the last thing npm writes. */
function isInstalled(): boolean {
  if (!existsSync(join(PEERS, 'node_modules', '.package-lock.json'))) return false
  const read = (folder: string): string => readFileSync(join(folder, LOCK), 'utf8')
  return existsSync(join(PEERS, LOCK)) && read(PEERS) === read(WANTED)
}

/** Without install scripts: one of them would only tell its makers that it ran. */
function install(): Promise<number | string> {
  const ours = process.env['npm_execpath']
  const [command, ...before] =
    ours !== undefined && basename(ours).startsWith('npm') ? [process.execPath, ours] : ['npm']
  const flags = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  return new Promise((resolve) => {
    const npm = spawn(command, [...before, ...flags], {
      cwd: PEERS,
      stdio: ['ignore', 2, 2],
      shell: process.platform === 'win32',
    })
    npm.once('error', (error) => {
      resolve(error.message)
    })
    npm.once('exit', (code, signal) => {
      resolve(code ?? signal ?? 'nothing')
    })
  })
}
