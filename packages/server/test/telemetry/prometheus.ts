// A real Prometheus, which ends with the story.

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const DEPLOY = fileURLToPath(new URL('../../../../deploy/', import.meta.url))
export const RULES = join(DEPLOY, 'prometheus/alerts.yml')

/** Why these stories cannot be told here; undefined where they can. */
export const skip =
  spawnSync('prometheus', ['--version']).error || spawnSync('promtool', ['--version']).error
    ? 'prometheus is not installed (Debian: apt-get install prometheus)'
    : undefined

/** What `promtool` says; throws with its words where it is not content. */
export const promtool = (args: readonly string[], input = ''): string =>
  execFileSync('promtool', [...args], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })

export interface Prometheus extends AsyncDisposable {
  /** Asks its API. */
  readonly get: (path: string) => Promise<unknown>
}

/** Starts one with our own configuration, which scrapes the given port every second. */
export async function startPrometheus(scraped: number): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-prometheus-'))
  const written = readFileSync(join(DEPLOY, 'prometheus/prometheus.yml'), 'utf8')
  const config = written
    .replaceAll('127.0.0.1:9464', `127.0.0.1:${String(scraped)}`)
    .replaceAll('15s', '1s')
    .replace('- alerts.yml', `- ${RULES}`)
  writeFileSync(join(folder, 'prometheus.yml'), config)
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
      '--log.format=json',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let address = ''
  const ready = Promise.withResolvers<void>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    const { msg, address: at } = JSON.parse(line)
    if (msg === 'Listening on') address = String(at)
    if (msg === 'Server is ready to receive web requests.') ready.resolve()
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  void ended.then(() => ready.reject(new Error('Prometheus ended before it listened')))
  await ready.promise
  return {
    get: async (path) => (await fetch(`http://${address}${path}`)).json(),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
