import { byKind, KINDS, type Definition, type JsonObject, type Kind } from '@countersign/contract'
import type { Introduction } from '#upstream'
import type { Admitted, News } from './catalog-store.ts'

type Row = Readonly<Record<string, unknown>>

/** A definition as a row of the store. */
export interface DefinitionRow {
  readonly kind: Kind
  readonly name: string
  readonly position: number
  readonly digest: string
  readonly body: string
}

export const rowsOf = ({ definitions }: News): readonly DefinitionRow[] =>
  KINDS.flatMap((kind) =>
    definitions[kind].map(({ name, digest, body }, position) => ({
      kind,
      name,
      position,
      digest,
      body: JSON.stringify(body),
    })),
  )

/** What is stored of a server, of its row and those of its definitions in their order. */
export function storedIn(server: Row, rows: readonly Row[]): NonNullable<Admitted['stored']> {
  const { introduction: introduced, captured_at: at } = server
  const all = rows.map(toDefinition)
  const definitions = byKind((kind) => all.filter((one) => one.kind === kind))
  const introduction = typeof introduced === 'string' ? readIntroduction(introduced) : undefined
  return { definitions, introduction, capturedAt: at === null ? undefined : Number(at) }
}

function toDefinition(row: Row): Definition {
  const body: JsonObject = JSON.parse(text(row['body']))
  return {
    server: text(row['server']),
    kind: KINDS.find((kind) => kind === row['kind']) ?? 'tool',
    name: text(row['name']),
    digest: text(row['digest']),
    body,
  }
}

function readIntroduction(stored: string): Introduction {
  const introduction: Introduction = JSON.parse(stored)
  return introduction
}

/** A text column is a text: the tables are strict. */
const text = (column: unknown): string => (typeof column === 'string' ? column : '')
