/** Documents, indexed by a server that is killed in the middle. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { crashEverywhere, runTool } from '@countersign/sdk/testing'
import { startLife } from '../../test/e2e/killable.ts'
import { until } from '../../test/e2e/task-life.ts'
import { DocumentIndex } from './document-index.ts'
import { indexDocuments } from './index-documents.ts'

const SERVER = join(import.meta.dirname, 'server.ts')
const SAMPLES = join(import.meta.dirname, 'samples')
const FILES = 7
const COPIES = 20

interface Place extends AsyncDisposable {
  /** Where the documents are. */
  readonly folder: string
  readonly data: string
  /** How to start a server here. */
  readonly args: readonly string[]
}

async function openPlace(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), 'documents-'))
  const [folder, data] = [join(root, 'folder'), join(root, 'data')]
  for (let copy = 1; copy <= COPIES; copy++) {
    await cp(SAMPLES, join(folder, `copy-${String(copy).padStart(2, '0')}`), { recursive: true })
  }
  return {
    folder,
    data,
    args: [SERVER, '--folder', folder, '--data', data],
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, maxRetries: 3 }),
  }
}

/** Everything in an index, each passage as often as it is there. */
function contentOf(file: string): readonly unknown[] {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    return db
      .prepare(
        `SELECT path, title, passages.rowid % 100000 AS place, heading, text
         FROM passages LEFT JOIN documents ON documents.id = passages.rowid / 100000
         ORDER BY path, place, text`,
      )
      .all()
  } finally {
    db.close()
  }
}

/** What an undisturbed run makes of the same folder, in an index of its own. */
async function undisturbed(folder: string, file: string): Promise<unknown> {
  using index = new DocumentIndex(file)
  const { output } = await runTool(
    indexDocuments({ root: folder, index, log: () => undefined }),
    {},
  )
  return output
}

test('a server that is killed twice indexes every document once, and reads no recorded one again', async () => {
  await using place = await openPlace()
  const first = await startLife(place.args, 'modern')
  const task = await first.begin('index_documents', {})
  await first.until(/copy-04/)
  await first.kill()

  // Nobody asks for the task: it goes on by itself.
  const second = await startLife(place.args, 'modern')
  await second.until(/copy-10/)
  await second.kill()

  // The other protocol finds the same task.
  await using third = await startLife(place.args, 'legacy')
  const output = await third.finish(task)

  const reference = join(place.data, 'reference.db')
  assert.deepEqual(output, await undisturbed(place.folder, reference))
  assert.deepEqual(contentOf(join(place.data, 'documents.db')), contentOf(reference))
  const { said } = third
  for (const { said: before } of [first, second]) {
    assert.ok(before.length > FILES && before.length < FILES * COPIES, 'it died in the middle')
    // Only what was in hand when the process died is read once more.
    const again = said.concat(before === first.said ? second.said : [])
    assert.deepEqual(
      before.slice(0, -1).filter((line) => again.includes(line)),
      [],
    )
  }
  assert.equal(new Set([...first.said, ...second.said, ...said]).size, FILES * COPIES)
})

test('a search finds words in any form, in Markdown, HTML and PDF, and nothing a browser hides', async () => {
  await using place = await openPlace()
  await using life = await startLife([SERVER, '--data', place.data])
  const output = await life.finish(await life.begin('index_documents', {}))
  assert.deepEqual(output, {
    documents: FILES - 1,
    passages: 27,
    skipped: [{ path: 'law/torn.pdf', reason: 'Invalid PDF structure.' }],
  })
  const find = async (words: string): Promise<readonly Record<string, string>[]> =>
    ((await life.call('search_documents', { words })) as { found: [] }).found
  const [speech] = await find('dedicating a nation')
  assert.equal(speech?.['heading'], 'Four score and seven years ago')
  const [page] = await find('raven')
  assert.equal(page, undefined) // It is in the title only: the poem names the bird later.
  assert.equal((await find('chamber doors'))[0]?.['title'], 'The Raven')
  assert.equal((await find('unreasonable searches'))[0]?.['heading'], 'Amendment IV')
  assert.match(
    (await find('king of kings'))[0]?.['text'] ?? '',
    /\*\*king\*\* \*\*of\*\* \*\*kings\*\*/,
  )
  for (const hidden of ['script', 'Printed', 'italic', 'NOT', '"']) {
    assert.deepEqual(await find(hidden), [], hidden)
  }
})

test('a cancelled task leaves nothing in the index, even when the server dies while it cleans up', async () => {
  await using place = await openPlace()
  const first = await startLife(place.args)
  const task = await first.begin('index_documents', {})
  await first.until(/copy-10/)
  await first.cancel(task)
  await first.kill()
  await using second = await startLife(place.args)
  await until('the index is empty', () => contentOf(join(place.data, 'documents.db')).length === 0)
  await assert.rejects(second.finish(task), /cancelled/)
})

test('no crash at any step changes what is indexed', async () => {
  using index = new DocumentIndex(':memory:')
  const tool = indexDocuments({ root: SAMPLES, index, log: () => undefined })
  for (const when of ['recorded', 'before'] as const) {
    assert.ok((await crashEverywhere(tool, {}, { when })) > FILES)
  }
  assert.equal(index.search('tapping', 10).length, 3)
})

test('a folder outside of the one that is served is refused', async () => {
  using index = new DocumentIndex(':memory:')
  const tool = indexDocuments({ root: join(SAMPLES, 'law'), index, log: () => undefined })
  await assert.rejects(runTool(tool, { folder: '../poems' }), /not below the folder/)
  await assert.rejects(runTool(tool, { folder: 'none' }), /ENOENT/)
})
