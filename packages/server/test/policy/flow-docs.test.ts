// What the pages about flow rules and redaction show is right, and decides as they say.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemWorld } from '#base'
import { parseConfig } from '#config'
import { makeFolder } from '../stories/house.ts'
import { countersign } from './command.ts'

const DOCS = fileURLToPath(new URL('../../../../docs', import.meta.url))
const PAGES = {
  'flow-rules.md': ['flow.yaml', 'mail.cedar', 'mail.cases.yaml'],
  'redaction.md': ['redaction.yaml', 'found.cedar', 'found.cases.yaml'],
} as const

/** The text of each fenced block of a page that has a name: ```cedar a.cedar */
const blocksOf = (page: string): readonly (readonly [name: string, text: string])[] =>
  [...page.matchAll(/^```[a-z]+ (\S+)\n([^]*?)^```$/gm)].map(
    ([, name = '', text = '']) => [name, text] as const,
  )

for (const [page, names] of Object.entries(PAGES)) {
  it(`docs/${page} is as it says`, async () => {
    using folder = makeFolder()
    const [config, ...policies] = blocksOf(readFileSync(join(DOCS, page), 'utf8'))
    assert.deepEqual([config?.[0], ...policies.map(([name]) => name)], names)
    const path = join(folder.path, 'countersign.yaml')
    const { flow, redaction } = parseConfig({ world: systemWorld, text: config?.[1] ?? '', path })
    assert.ok(page === 'redaction.md' ? redaction : flow.runs)
    for (const [name, text] of policies) writeFileSync(join(folder.path, name), text)
    const tested = await countersign(folder.path, 'policy', 'test', '.')
    assert.equal(tested.code, 0, `${tested.out}${tested.err}`)
  })
}
