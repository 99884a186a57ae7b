import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { digestOf, type World } from '#base'
import {
  formatSecrets,
  isFields,
  keyName,
  parseConfig,
  parseSecrets,
  SECRETS_FILE,
  serverIdFrom,
  type Fields,
} from '#config'
import { readBytes, textOf } from './client-file.ts'
import type { Client, Place } from './client.ts'
import { planEdits, type PlannedEdit } from './plan-edits.ts'
import { isOurs, type Reach } from './our-entry.ts'
import { withServers, type OurFile } from './our-file.ts'
import { readEntry, type Imported } from './read-entry.ts'
import type { Scan, ScannedFile, Slot } from './scan.ts'
import { makeVault, type Vault } from './vault.ts'

/** One entry of a client and what becomes of it. */
export interface Row {
  readonly client: Client
  readonly file: ScannedFile
  readonly slot: Slot
  readonly name: string
  readonly transport: string
  readonly secrets: readonly string[]
  readonly outcome: Outcome
}

type Outcome =
  | { readonly kind: 'ours' }
  | { readonly kind: 'left'; readonly why: string }
  /** `replaces`: the client can do without its own entry from then on. */
  | {
      readonly kind: 'new' | 'known'
      readonly id: string
      readonly missing: readonly string[]
      readonly replaces: boolean
    }

export interface Plan {
  readonly rows: readonly Row[]
  /** What is written besides clients' files: path, text, mode; only what changes. */
  readonly files: readonly { readonly path: string; readonly text: string; readonly mode: number }[]
  readonly edits: readonly PlannedEdit[]
  readonly problems: Scan['problems']
  readonly notes: readonly string[]
}

interface Candidate {
  readonly file: ScannedFile
  readonly slot: Slot
  readonly name: string
  readonly server: Imported
  readonly endpoint: string
}

export interface PlanFrom {
  readonly world: World
  readonly place: Place
  readonly ours: OurFile
  readonly found: Scan
  readonly reach: Reach
  /** Clients named by the person: their file is made when there is none. */
  readonly wanted: readonly Client[]
}

/** Decides everything and changes nothing. */
export function makePlan(from: PlanFrom): Plan {
  const { world, place, ours, found, reach, wanted } = from
  const secretsPath = join(ours.data, SECRETS_FILE)
  const kept = keptSecrets(secretsPath)
  const vault = makeVault(kept, world.env)
  const rows: Row[] = []
  const candidates: Candidate[] = []
  for (const file of found.files) {
    for (const slot of file.slots) {
      for (const [name, written] of slot.entries) {
        const base = { client: slot.client, file, slot, name }
        const seen = isOurs(name, written, reach)
          ? ({ kind: 'ours' } as const)
          : candidateOf(name, written, { slot, file }, { place, vault, ours })
        if ('server' in seen) candidates.push(seen)
        else rows.push({ ...base, transport: '', secrets: [], outcome: seen })
      }
    }
  }
  const { servers, decided, notes } = merge(candidates, ours)
  rows.push(...decided)
  const text = withServers(ours.text, servers)
  const files: Plan['files'][number][] = []
  if (text !== ours.text) files.push({ path: ours.path, text, mode: 0o644 })
  const secrets = secretsUsed(vault, kept, rows)
  if (secrets.size > kept.size) {
    files.unshift({ path: secretsPath, text: formatSecrets(secrets), mode: 0o600 })
  }
  const { edits, problems } = planEdits({ rows, found, reach, wanted })
  return {
    rows: inOrder(rows, found),
    files,
    edits,
    problems: [...found.problems, ...problems],
    notes,
  }
}

/** What was there before, and what the new servers need; not what was only looked at. */
function secretsUsed(
  vault: Vault,
  kept: ReadonlyMap<string, string>,
  rows: readonly Row[],
): ReadonlyMap<string, string> {
  const used = new Set(rows.flatMap((row) => (row.outcome.kind === 'new' ? row.secrets : [])))
  return new Map([...vault.values()].filter(([name]) => kept.has(name) || used.has(name)))
}

function keptSecrets(path: string): ReadonlyMap<string, string> {
  const read = readBytes(path)
  const decoded = read.kind === 'content' ? textOf(read.content.bytes) : undefined
  const parsed = parseSecrets(decoded?.text ?? '')
  return parsed.ok ? parsed.values : new Map()
}

function candidateOf(
  name: string,
  written: unknown,
  { slot, file }: { readonly slot: Slot; readonly file: ScannedFile },
  { place, vault, ours }: { readonly place: Place; readonly vault: Vault; readonly ours: OurFile },
): Candidate | Extract<Outcome, { kind: 'left' }> {
  const read = readEntry(serverIdFrom(name), written, slot, place, vault)
  if (!read.ok) return { kind: 'left', why: read.obstacle }
  const { server } = read
  const why = refusal(server.entry, { place, vault, ours })
  return why === undefined
    ? { file, slot, name, server, endpoint: endpointOf(server.entry) }
    : { kind: 'left', why }
}

/** What our own schema says of it; an entry that we could not serve stays where it works. */
function refusal(
  entry: Fields,
  { place, vault, ours }: { readonly place: Place; readonly vault: Vault; readonly ours: OurFile },
): string | undefined {
  const env = (name: string): string | undefined => place.env(name) ?? vault.values().get(name)
  try {
    const text = JSON.stringify({ servers: { entry: { ...entry, disabled: false } } })
    if (entry['disabled'] === true) {
      parseConfig({
        world: { env: (name) => env(name) ?? 'https://unset.example' },
        text,
        path: ours.path,
      })
    } else parseConfig({ world: { env }, text, path: ours.path })
    return undefined
  } catch (thrown) {
    const data: unknown = thrown instanceof Error && 'data' in thrown ? thrown.data : undefined
    const mistakes: unknown = isFields(data) ? data['mistakes'] : undefined
    const [first]: unknown[] = Array.isArray(mistakes) ? mistakes : []
    return isFields(first) ? String(first['problem']) : 'not understood'
  }
}

/** Two entries are one server when they start or reach the same thing in the same way. */
function endpointOf(entry: Fields): string {
  const { command, args, env, cwd, url, headers, type } = entry
  return digestOf(
    JSON.stringify([command, args ?? [], sorted(env), cwd, url, sorted(headers), type === 'sse']),
  )
}

const sorted = (value: unknown): unknown =>
  isFields(value) ? Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)) : []

interface NewOne {
  readonly id: string
  readonly entry: Fields
  readonly comments: readonly string[]
}

function merge(
  candidates: readonly Candidate[],
  ours: OurFile,
): { servers: NewOne[]; decided: Row[]; notes: string[] } {
  const known = new Map([...ours.servers].map(([id, entry]) => [endpointOf(entry), { id, entry }]))
  const fresh = new Map<string, Candidate[]>()
  const decided: Row[] = []
  for (const candidate of candidates) {
    const there = known.get(candidate.endpoint)
    if (there) {
      const off = there.entry['disabled'] === true && candidate.server.entry['disabled'] !== true
      decided.push(rowOf(candidate, 'known', serverIdFrom(there.id), !off))
    } else {
      const key = `${serverIdFrom(candidate.name)} ${candidate.endpoint}`
      fresh.set(key, [...(fresh.get(key) ?? []), candidate])
    }
  }
  const groups = [...fresh.values()]
  const taken = new Set(ours.servers.keys())
  const notes: string[] = []
  const servers = groups.map((group): NewOne => {
    const id = idFor(group, groups, taken, notes)
    taken.add(id)
    for (const candidate of group) decided.push(rowOf(candidate, 'new', id, true))
    return { id, entry: mergedEntry(group, notes, id), comments: commentsOf(group) }
  })
  return { servers, decided, notes }
}

function idFor(
  group: readonly Candidate[],
  groups: readonly (readonly Candidate[])[],
  taken: ReadonlySet<string>,
  notes: string[],
): string {
  const [first] = group
  const id = serverIdFrom(first?.name ?? '')
  const rivals = groups.filter(([other]) => other && serverIdFrom(other.name) === id).length
  const free = (wanted: string): boolean =>
    ![...taken].some((other) => other.replaceAll('-', '_') === wanted.replaceAll('-', '_'))
  if (rivals === 1 && free(id)) return id
  const suffix = `-${first?.slot.client.id ?? 'other'}`
  const stem = `${id.slice(0, 29 - suffix.length).replace(/[-_]+$/, '')}${suffix}`
  let unique = stem
  for (let number = 2; !free(unique); number += 1) unique = `${stem}-${number}`
  notes.push(
    `there are different servers called ${keyName(first?.name ?? '')}; one is ${unique} here`,
  )
  return unique
}

/** Off only when every client has it off. */
function mergedEntry(group: readonly Candidate[], notes: string[], id: string): Fields {
  const entries = group.map(({ server }) => server.entry)
  const on = entries.find((entry) => entry['disabled'] !== true)
  const entry = on ?? entries[0] ?? {}
  if (on && entries.some((other) => other['disabled'] === true)) {
    notes.push(`${id} is disabled in one of its clients, and enabled here`)
  }
  return entry
}

function commentsOf(group: readonly Candidate[]): string[] {
  const lines = group.flatMap(({ slot, server }) => {
    const { intent, missing, unused } = server
    return [
      `from ${slot.client.name}`,
      ...intent.map((wish) => `${slot.client.name} had ${wish}`),
      ...unused.map((name) => `${slot.client.name} had ${keyName(name)}, which means nothing here`),
      ...missing.map((name) => `needs a value: set ${name}, then remove "disabled"`),
    ]
  })
  return [...new Set(lines)]
}

function rowOf(candidate: Candidate, kind: 'new' | 'known', id: string, replaces: boolean): Row {
  const { slot, file, name, server } = candidate
  const { missing, secrets, entry } = server
  return {
    client: slot.client,
    file,
    slot,
    name,
    transport: entry['url'] === undefined ? 'stdio' : entry['type'] === 'sse' ? 'sse' : 'http',
    secrets,
    outcome: { kind, id, missing, replaces: replaces && missing.length === 0 },
  }
}

/** As they stand in the files. */
function inOrder(rows: readonly Row[], { files }: Scan): Row[] {
  const bySlot = Map.groupBy(rows, ({ slot }) => slot)
  return files.flatMap(({ slots }) =>
    slots.flatMap((slot) => {
      const names = slot.entries.map(([name]) => name)
      const here = bySlot.get(slot) ?? []
      return here.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
    }),
  )
}

export const isEmptyPlan = (plan: Plan): boolean =>
  plan.files.length === 0 && isDeepStrictEqual(plan.edits, [])
