import assert from 'node:assert/strict'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { crashAfter, crashEverywhere, runTool } from '@countersign/sdk/testing'
import { writePages } from './write-pages.ts'

const folder = await mkdtemp(join(tmpdir(), 'pages-'))

test('pages that are wanted are kept', async () => {
  const { output, elapsedMs } = await runTool(
    writePages,
    { folder, pages: 3 },
    { answers: { keep: { keep: true } } },
  )
  assert.deepEqual(output, { kept: 3 })
  assert.equal(elapsedMs, 3_000) // by its own clock: the test did not wait for it
})

test('pages that are not wanted are gone again', async () => {
  await runTool(writePages, { folder, pages: 3 }, { answers: { keep: 'decline' } })
  assert.deepEqual(await readdir(folder), ['written.log'])
})

test('a page that was written is not written again after a crash', async () => {
  const input = { folder, pages: 3 }
  const options = { answers: { keep: { keep: true } } }
  const { output, tries } = await crashAfter(writePages, input, 'write page 2', options)
  assert.deepEqual(output, { kept: 3 })
  assert.equal(tries['write page 2'], 1)
})

test('it may crash anywhere', async () => {
  const input = { folder, pages: 2 }
  await crashEverywhere(writePages, input, { answers: { keep: { keep: true } } })
})
