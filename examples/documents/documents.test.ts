/** Documents, indexed by a server that is killed in the middle. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { crashEverywhere, runTool } from '@countersign/sdk/testing'
import { startLife, type Life } from '../../test/e2e/killable.ts'
import { startGateway, until } from '../../test/e2e/task-life.ts'
import { DocumentIndex } from './document-index.ts'
import { indexDocuments } from './index-documents.ts'

const SERVER = join(import.meta.dirname, 'server.ts')
const SAMPLES = join(import.meta.dirname, 'samples')
/** How many files the samples are, and how many passages. */
const FILES = 7
const PASSAGES = 27
const COPIES = 14
/** How long a server that was killed may take to put its database right. */
const LOCKED_MS = 5_000

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
  const db = new DatabaseSync(file, { readOnly: true, timeout: LOCKED_MS })
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
  await first.until(/copy-03/)
  await first.kill()

  // Nobody asks for the task: it goes on by itself.
  const second = await startLife(place.args, 'modern')
  await second.until(/copy-07/)
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

async function search(life: Life, words: string): Promise<readonly Record<string, string>[]> {
  return ((await life.call('search_documents', { words })) as { found: [] }).found
}

test('a search finds words in any form, in Markdown, HTML and PDF, and nothing a browser hides', async () => {
  await using place = await openPlace()
  await using life = await startLife([SERVER, '--data', place.data])
  const output = await life.finish(await life.begin('index_documents', {}))
  assert.deepEqual(output, {
    documents: FILES - 1,
    passages: PASSAGES,
    skipped: [{ path: 'law/torn.pdf', reason: 'Invalid PDF structure.' }],
  })
  const find = (words: string) => search(life, words)
  const [speech] = await find('dedicating a nation')
  assert.equal(speech?.['heading'], 'Four score and seven years ago')
  assert.equal((await find('chamber doors'))[0]?.['title'], 'The Raven')
  assert.equal((await find('unreasonable searches'))[0]?.['heading'], 'Amendment IV')
  assert.match(
    (await find('king of kings'))[0]?.['text'] ?? '',
    /\*\*king\*\* \*\*of\*\* \*\*kings\*\*/,
  )
  // In the language of FTS5 this would be an error.
  assert.equal((await find('NOT perish from'))[0]?.['path'], 'speeches/gettysburg.md')
  for (const hidden of ['script', 'Printed', 'italic', '"']) {
    assert.deepEqual(await find(hidden), [], hidden)
  }
})

test('a cancelled task leaves nothing in the index, even when the server dies while it cleans up', async () => {
  await using place = await openPlace()
  const first = await startLife(place.args)
  const task = await first.begin('index_documents', {})
  await first.until(/copy-07/)
  await first.cancel(task)
  await first.kill()
  await using second = await startLife(place.args)
  await until('nothing is found', async () => (await search(second, 'the')).length === 0)
  assert.deepEqual(contentOf(join(place.data, 'documents.db')), [])
  await assert.rejects(second.finish(task), /cancelled/)
})

test('behind the gateway, killed together with it, every document is indexed once', async () => {
  await using place = await openPlace()
  const index = join(place.data, 'documents.db')
  const config = join(place.data, 'countersign.yaml')
  await mkdir(place.data)
  const documents = { command: process.execPath, args: place.args }
  await writeFile(config, JSON.stringify({ servers: { documents } }))
  const first = await startGateway(config)
  const task = await first.begin('documents_index_documents', {})
  await until('some are indexed', () => existsSync(index) && contentOf(index).length > PASSAGES)
  await first.kill()
  await using second = await startGateway(config)
  const { structuredContent } = await second.result(task)
  const reference = join(place.data, 'reference.db')
  assert.deepEqual(structuredContent, await undisturbed(place.folder, reference))
  assert.deepEqual(contentOf(index), contentOf(reference))
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
