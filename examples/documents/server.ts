/** An MCP server over stdio that indexes a folder of documents and searches it. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { serve } from '@countersign/sdk'
import { DocumentIndex } from './document-index.ts'
import { indexDocuments } from './index-documents.ts'
import { searchDocuments } from './search-documents.ts'

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: join(import.meta.dirname, 'samples') },
    data: { type: 'string', default: join(import.meta.dirname, '.countersign') },
  },
})
mkdirSync(values.data, { recursive: true })
const index = new DocumentIndex(join(values.data, 'documents.db'))
const log = (line: string): void => void process.stderr.write(`${line}\n`)
const desk = { root: values.folder, index, log }
await serve([indexDocuments(desk), searchDocuments(index)], {
  name: 'documents',
  version: '0.1.0',
  data: join(values.data, 'tasks'),
})
