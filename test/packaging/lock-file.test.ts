import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../e2e/run-quickstart.ts'

interface Locked {
  readonly version?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>
}

/** Where Node would find `name` from the package at `path`. */
function isLocked(path: string, name: string): boolean {
  const at = path === '' ? '' : `${path}/`
  if (packages[`${at}node_modules/${name}`] !== undefined) return true
  return (
    path !== '' && isLocked(path.slice(0, Math.max(0, path.lastIndexOf('/node_modules/'))), name)
  )
}

test('the lock file names the packages of every platform, or npm ci refuses it on all', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isLocked(path, name)),
  )
  assert.deepEqual(missing, [])
})

test('everything the workspaces need is pinned exactly', () => {
  const loose = [
    '',
    ...['contract', 'engine', 'sdk', 'server', 'console'].map((name) => `packages/${name}`),
  ]
    .map((folder) => readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
    .flatMap((text) => [...text.matchAll(/"([^"]+)": "([\^~<>*x][^"]*|latest)"/g)])
    .filter(([, name]) => name !== 'node')
    .map(([whole]) => whole)
  assert.deepEqual(loose, [])
})
