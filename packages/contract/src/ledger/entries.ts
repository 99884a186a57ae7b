/**
 * Every kind of entry there is, and what its body holds. Version 1: members are added, never taken away
 * or given another meaning; `ledger-entries.schema.json` of this package pins it.
 */
import { z } from 'zod'
import { GLASS_ENTRIES, GRANT_ENTRIES } from './entries/approvals.ts'
import { APPROVAL_ENTRIES, CALL_ENTRIES } from './entries/calls.ts'
import { CONTROL_ENTRIES, CREDENTIAL_ENTRIES } from './entries/control.ts'
import { FEED_ENTRIES } from './entries/feeds.ts'
import { FLOW_ENTRIES } from './entries/flow.ts'
import { PAYLOAD_ENTRIES } from './entries/payloads.ts'
import { PEOPLE_ENTRIES } from './entries/people.ts'

export const ENTRIES_VERSION = 1

export const ENTRIES = {
  ...CALL_ENTRIES,
  ...APPROVAL_ENTRIES,
  ...GLASS_ENTRIES,
  ...GRANT_ENTRIES,
  ...CONTROL_ENTRIES,
  ...CREDENTIAL_ENTRIES,
  ...FEED_ENTRIES,
  ...FLOW_ENTRIES,
  ...PAYLOAD_ENTRIES,
  ...PEOPLE_ENTRIES,
} as const

type Entries = typeof ENTRIES

/** What an entry can be about. */
export type EntryKind = keyof Entries

/** What the body of an entry of this kind holds, as whoever writes it gives it. */
export type EntryBody<Kind extends EntryKind> = z.input<Entries[Kind]>

/** All but calls, whose two entries have a life of their own. */
export type NotedKind = Exclude<EntryKind, 'call.opened' | 'call.closed'>

/** Writes what happened into the ledger: a kind that is not there, or another body, is no program. */
export type Note = <Kind extends NotedKind>(kind: Kind, body: EntryBody<Kind>) => Promise<void>

/** An entry as one of the union. */
export const isEntryKind = (kind: string): kind is EntryKind => Object.hasOwn(ENTRIES, kind)

/** What is wrong with the body of an entry, or undefined: an auditor's second look, and the tests'. */
export function problemOfBody(kind: string, body: unknown): string | undefined {
  if (!isEntryKind(kind)) return `there is no kind "${kind}"`
  const read = ENTRIES[kind].safeParse(body)
  return read.success ? undefined : z.prettifyError(read.error)
}

/** The union as JSON Schema, for programs that read entries. */
export function entriesSchema(): object {
  const kinds = Object.entries(ENTRIES).map(([kind, body]) =>
    z
      .strictObject({ at: z.int(), kind: z.literal(kind), call: z.string().optional(), body })
      .meta({ title: kind }),
  )
  const schema = z.toJSONSchema(z.union(kinds), {
    io: 'input',
    reused: 'inline',
    override: ({ jsonSchema }) => {
      // Who may change what in memory says nothing about what is written.
      delete jsonSchema.readOnly
    },
  })
  return { title: 'An entry of a Countersign ledger', version: ENTRIES_VERSION, ...schema }
}
