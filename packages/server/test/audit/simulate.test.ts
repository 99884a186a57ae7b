// Other policies, asked about recorded calls: with their arguments where those are kept.

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { countersign } from '../policy/command.ts'
import { makeFolder, openKept } from './kept-house.ts'

const TRIED = `
@id("only-a") permit(principal, action, resource) when {
  context.arguments.text.hasTag("mark") && context.arguments.text.getTag("mark") == "a"
};
`

it('simulate judges by arguments that are kept, and counts the calls without', async () => {
  // AU-101, AU-117
  using folder = makeFolder()
  {
    await using house = await openKept({ folder: folder.path, payloads: {} })
    await house.call('cancel_booking', { mark: 'a' })
  }
  {
    await using house = await openKept({ folder: folder.path })
    await house.call('cancel_booking', { mark: 'a' })
    await house.call('cancel_booking', { mark: 'b' })
    await house.call('cancel_booking', {})
  }
  writeFileSync(join(folder.path, 'countersign.yaml'), 'data: data\n')
  mkdirSync(join(folder.path, 'tried'))
  writeFileSync(join(folder.path, 'tried', 'a.cedar'), TRIED)
  const said = await countersign(folder.path, 'policy', 'simulate', 'tried', '--json')
  assert.equal(said.code, 0, said.err)
  const lines = said.out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
  assert.deepEqual(
    lines.map(({ kind, before, after, calls, differ, undecided }) => [
      kind,
      before ?? calls,
      after ?? differ,
      undecided,
    ]),
    [
      ['differs', 'allow', 'deny', undefined],
      ['differs', 'allow', 'deny', undefined],
      ['simulated', 4, 2, 1],
    ],
  )
  const log = await countersign(folder.path, 'log', '--json')
  assert.match(log.out, /"payload\.read".*"why":"policy simulate"/)
})
