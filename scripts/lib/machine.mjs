/** What the commands need of the machine: this folder, its packages, and a Node that runs TypeScript. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isAtLeast } from './needs-node.mjs'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BIN = join(ROOT, 'node_modules', '.bin')

/** The environment in which `node` and every tool mean the ones of this folder. */
export const ourEnv = () => {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH'
  const path = process.env[name] ?? ''
  if (path.split(delimiter)[0] === BIN) return process.env
  return { ...process.env, [name]: `${BIN}${delimiter}${path}` }
}

export const say = (text) => process.stderr.write(`${text}\n`)

/** Ends the process with one message. */
export function stop(message) {
  say(message)
  process.exit(1)
}

const readJson = (...path) => JSON.parse(readFileSync(join(ROOT, ...path), 'utf8'))

/**
 * True when every package of the lock file is there in the version it names. Compares contents, not
 * dates: a checkout touches the lock file without changing what it says.
 */
function isInstalled() {
  if (!existsSync(join(ROOT, 'node_modules', '.package-lock.json'))) return false
  const there = readJson('node_modules', '.package-lock.json').packages
  return Object.entries(readJson('package-lock.json').packages).every(([path, wanted]) => {
    // Optional packages are of other platforms; links and workspaces have no version to miss.
    if (!path.includes('node_modules/') || wanted.optional || wanted.link) return true
    return there[path]?.version === wanted.version
  })
}

/** How to run npm: the one that runs us, else the one in PATH. */
function npmCommand() {
  const ours = process.env.npm_execpath
  return ours !== undefined && basename(ours).startsWith('npm')
    ? { program: process.execPath, before: [ours], shell: false }
    : { program: 'npm', before: [], shell: process.platform === 'win32' }
}

/** Installs what the lock file names, if it is not there. Prints to standard error only. */
export async function installMissing() {
  if (isInstalled()) return
  say('Installing packages (npm ci). This happens once and takes about a minute.')
  const started = performance.now()
  const { program, before, shell } = npmCommand()
  const flags = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  // npm's own summary goes to standard error: standard output belongs to what is started.
  const npm = spawn(program, [...before, ...flags], {
    cwd: ROOT,
    shell,
    stdio: ['ignore', 2, 2],
  })
  const ended = await new Promise((resolve) => {
    npm.once('error', (error) => resolve(error.message))
    npm.once('exit', (code, signal) => resolve(code ?? signal))
  })
  if (ended !== 0) {
    stop(`The packages could not be installed: npm ci ended with ${ended}; its reason is above.
Without a network: run "npm ci" once while there is one, or "npm ci --offline" where npm's cache holds
the packages (an ".npmrc" can name a mirror). Then run this again.`)
  }
  say(`Installed in ${((performance.now() - started) / 1000).toFixed(0)} s.`)
}

/** Node 22.18 is the first that runs TypeScript files and has SQLite without a flag. */
const MINIMUM = [22, 18]

const versionOf = (program) => {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

/** The Node that came with the packages, else the one that runs us. */
export function findNode() {
  const ending = process.platform === 'win32' ? 'node.exe' : 'node'
  const packaged = Object.keys(readJson('package.json').optionalDependencies)
    .filter((name) => name.startsWith('node-'))
    .map((name) => join(ROOT, 'node_modules', name, 'bin', ending))
    .filter((path) => existsSync(path))
  for (const path of [...packaged, process.execPath]) {
    // Asked, not assumed: a package for glibc is installed on musl too, and does not run there.
    const version = path === process.execPath ? process.version : versionOf(path)
    if (version !== undefined && isAtLeast(version, ...MINIMUM)) return path
  }
  return stop(
    `There is no packaged Node for ${process.platform}-${process.arch}, and ${process.version} is too old.
Install Node ${MINIMUM.join('.')} or newer (24 is what we test with) and run this again.`,
  )
}
