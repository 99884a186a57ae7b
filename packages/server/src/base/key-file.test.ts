import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { keyFile, privateFolder } from './key-file.ts'
import { systemWorld } from './world.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-key-'))
after(() => rmSync(folder, { recursive: true }))
const POSIX = { skip: process.platform === 'win32' }

test('a key is made once, and refused when others may read it', POSIX, () => {
  const path = join(folder, 'keys', 'a.key')
  const key = keyFile(systemWorld, path)
  assert.deepEqual(keyFile(systemWorld, path), key)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  chmodSync(path, 0o644)
  assert.throws(() => keyFile(systemWorld, path), /chmod 600 .*a\.key$/)
})

test('a folder of ours is closed to others; one that everybody shares is not', POSIX, () => {
  const modeAfter = (mode: number): number => {
    const path = join(folder, String(mode))
    mkdirSync(path)
    chmodSync(path, mode)
    privateFolder(path)
    return statSync(path).mode & 0o1777
  }
  assert.equal(modeAfter(0o755), 0o700)
  assert.equal(modeAfter(0o1777), 0o1777)
})
