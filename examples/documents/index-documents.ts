import { glob, readFile, realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { durableTool, type DurableTool } from '@countersign/sdk'
import { z } from 'zod'
import type { DocumentIndex } from './document-index.ts'
import { isReadable, readDocument, type Document } from './read-document.ts'
import { split } from './split.ts'

const Input = z.object({
  folder: z
    .string()
    .default('.')
    .describe('A folder below the one that is served. Default: all of it.'),
})
const Output = z.object({
  documents: z.int(),
  passages: z.int(),
  skipped: z.array(z.object({ path: z.string(), reason: z.string() })),
})

/** What is known of a file once it was looked at: recorded as the value of its step. */
type Report = { readonly passages: number } | { readonly reason: string }

/** What the tool works with. */
export interface Desk {
  /** The folder that is served. */
  readonly root: string
  readonly index: DocumentIndex
  /** Hears of each document that is taken in hand. */
  readonly log: (line: string) => void
}

/** The tool that reads every document of a folder into an index. */
export function indexDocuments(desk: Desk): DurableTool {
  return durableTool({
    name: 'index_documents',
    title: 'Index documents',
    description:
      'Reads all Markdown, HTML and PDF files of a folder, so that search_documents finds their passages. Cancelling takes back what it indexed.',
    input: Input,
    output: Output,
    effect: 'idempotent',
    scopes: ['documents:write'],
    undoOnFailure: true,
    async run({ folder }, task) {
      const paths = await task.step('list', () => list(desk.root, folder), {
        // The last to be taken back, so that what was in hand when it all ended is taken out too.
        undo: (listed) => listed.forEach((path) => desk.index.remove(path)),
      })
      const skipped: { path: string; reason: string }[] = []
      let passages = 0
      for (const [at, path] of paths.entries()) {
        task.progress(at, paths.length, path)
        const report = await task.step(nameOf(path), ({ signal }) => add(desk, path, signal))
        if ('reason' in report) skipped.push({ path, reason: report.reason })
        else passages += report.passages
      }
      task.progress(paths.length, paths.length)
      return { documents: paths.length - skipped.length, passages, skipped }
    },
  })
}

/** In one order, whatever the file system's is: every life of the task goes through them alike. */
async function list(root: string, folder: string): Promise<readonly string[]> {
  const home = await realpath(root)
  const start = await realpath(join(home, folder))
  const below = relative(home, start)
  if (below.startsWith('..') || isAbsolute(below)) {
    throw new Error(`${folder} is not below the folder that is served.`)
  }
  const paths: string[] = []
  for await (const entry of glob('**/*', { cwd: start, withFileTypes: true })) {
    if (!entry.isFile() || !isReadable(entry.name)) continue
    paths.push(relative(home, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
  }
  return paths.toSorted()
}

async function add({ root, index, log }: Desk, path: string, signal: AbortSignal): Promise<Report> {
  log(`reading ${path}`)
  const read = await tryToRead(root, path)
  // Cancelled while it was read: what comes now would come after the cleaning up.
  signal.throwIfAborted()
  if ('reason' in read) {
    index.remove(path)
    return read
  }
  const passages = split(read.sections)
  index.put({ path, title: read.title, passages })
  return { passages: passages.length }
}

/** A file that cannot be read does not keep the others from being indexed. */
async function tryToRead(root: string, path: string): Promise<Document | { reason: string }> {
  try {
    return await readDocument(path, await readFile(join(root, path)))
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}

/** Names of steps are of one line and of limited length; names of files need not be. */
const NAME_CHARS_MAX = 400
const nameOf = (path: string): string =>
  `index ${path.replaceAll(/\p{Cc}/gu, '?').slice(0, NAME_CHARS_MAX)}`
