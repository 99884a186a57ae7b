/** Markdown, HTML and PDF, each read by a library that knows it, as sections of plain text. */
import { basename, extname } from 'node:path'
import { marked } from 'marked'
import { extractText, getDocumentProxy, getMeta } from 'unpdf'
import { readHtml } from './read-html.ts'
import type { Section } from './split.ts'

/** A document as it was read. */
export interface Document {
  readonly title: string
  readonly sections: readonly Section[]
}

type Reader = (bytes: Uint8Array) => Promise<Partial<Document>> | Partial<Document>

const READERS: Readonly<Record<string, Reader>> = {
  '.md': (bytes) => readHtml(marked.parse(toText(bytes), { async: false })),
  '.html': (bytes) => readHtml(toText(bytes)),
  '.pdf': readPdf,
}

/** True for files whose ending says that they can be read. */
export const isReadable = (path: string): boolean => Object.hasOwn(READERS, extname(path))

/** @throws Error for a file that is not what its ending says. */
export async function readDocument(path: string, bytes: Uint8Array): Promise<Document> {
  const { title = '', sections = [] } = (await READERS[extname(path)]?.(bytes)) ?? {}
  return { title: title === '' ? basename(path, extname(path)) : title, sections }
}

const toText = (bytes: Uint8Array): string =>
  new TextDecoder('utf-8', { fatal: true }).decode(bytes)

/** Says nothing on standard output, where the protocol is spoken. */
const SILENT = { verbosity: 0 }

async function readPdf(bytes: Uint8Array): Promise<Partial<Document>> {
  // A copy: PDF.js keeps what it is given.
  const pdf = await getDocumentProxy(Uint8Array.from(bytes), SILENT)
  try {
    const { info } = await getMeta(pdf)
    const { text } = await extractText(pdf, { mergePages: false })
    const sections = text.map((page, at) => ({ heading: `Page ${String(at + 1)}`, text: page }))
    const title: unknown = info['Title']
    return typeof title === 'string' ? { title, sections } : { sections }
  } finally {
    await pdf.loadingTask.destroy()
  }
}
