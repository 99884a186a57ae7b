import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import type { PayloadSettings } from '#audit'
import type { AuthSettings } from '#auth'
import type { World } from '#base'
import type { DeciderSpec, FeedSettings } from '#feeds'
import type { PolicySettings, QuotaSpec } from '#policy'
import type { RedactionSettings } from '#redaction'
import type { ToolRule } from '#registry'
import type { TelemetrySettings } from '#telemetry'
import type { ServerSpec } from '#upstream'
import type { WatchedSpec, WitnessSpec } from '#witness'
import { authOf } from './auth.ts'
import { digestsOf } from './digests.ts'
import { vaultOf, type VaultSection } from './vault.ts'
import { decidersOf } from './deciders.ts'
import { readDocument } from './document.ts'
import { eventsOf } from './events.ts'
import type { Variable } from './expand.ts'
import { isFields, type Fields } from './fields.ts'
import { flowOf, type Flow } from './flow.ts'
import { foreignOf, type Foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { listenOf, type Listen } from './listen.ts'
import { invalid, type Complain, type Mistake } from './mistake.ts'
import { payloadsOf } from './payloads.ts'
import { policyOf } from './policy.ts'
import { quotasOf } from './quotas.ts'
import { redactionOf } from './redaction.ts'
import { configSchema, SECTIONS } from './schema.ts'
import { folderFrom } from './server-spec.ts'
import { readServers } from './servers.ts'
import { storeOf, type StoreSettings } from './store.ts'
import type { Tasks } from './tasks.ts'
import { telemetryOf } from './telemetry.ts'
import { complainShape, unknownField, withoutWrong } from './shape-problem.ts'
import { readViews, type View } from './views.ts'
import { watchedOf, witnessesOf } from './witnesses.ts'
import { checkViewNames } from './workloads.ts'

/** Everything the operator decided before the start. Paths are absolute, variables are filled in. */
export interface Config {
  /** The file it was read from. */
  readonly path: string
  readonly listen: Listen
  /** Undefined in local mode. */
  readonly auth: AuthSettings | undefined
  /** Where the key of what is shown to servers is; undefined: in a file of the data folder. */
  readonly vault: VaultSection | undefined
  /** Undefined where everything that is listed may be called. */
  readonly policy: PolicySettings | undefined
  /** How much may be called; empty where nothing is limited. */
  readonly quotas: readonly QuotaSpec[]
  /** What is looked for in what goes in and out; undefined where nobody looks. */
  readonly redaction: RedactionSettings | undefined
  /** What things do with information, for policies. */
  readonly flow: Flow
  /** What others are told, and where. */
  readonly events: FeedSettings
  /** Who may say from outside what people answered. */
  readonly deciders: readonly DeciderSpec[]
  /** The folder of the store and the keys. */
  readonly data: string
  /** Undefined where one process keeps everything in the data folder. */
  readonly store: StoreSettings | undefined
  /** In the order of the file, without those that are disabled. */
  readonly servers: readonly ServerSpec[]
  readonly disabled: readonly string[]
  readonly views: readonly View[]
  readonly ledger: {
    readonly reads: 'batched' | 'ahead'
    readonly payloads: PayloadSettings
    /** Who keeps the checkpoints. */
    readonly witnesses: readonly WitnessSpec[]
    /** Whose checkpoints we keep. */
    readonly witnessFor: readonly WatchedSpec[]
  }
  readonly tasks: Tasks
  /** What was decided about single tools, by server and the server's own name of the tool. */
  readonly rules: Readonly<Record<string, Readonly<Record<string, ToolRule>>>>
  readonly limits: Limits
  readonly log: { readonly level: string }
  /** Undefined where nobody is told anything. */
  readonly telemetry: TelemetrySettings | undefined
  /** Of each section as it is written, without secrets. */
  readonly digests: Readonly<Record<string, string>>
  /** What was passed over or is unwise, in words for the operator; no values of variables. */
  readonly notes: readonly string[]
}

export interface ConfigText {
  readonly world: Pick<World, 'env'>
  readonly text: string
  /** Shown in mistakes as it is; relative paths start from its folder. */
  readonly path: string
  /** Further variables, of the data folder; the environment wins. */
  readonly secrets?: (data: string, complain: Complain) => ReadonlyMap<string, string>
}

/** Reads everything before it complains, so that all mistakes are said at once. */
export function parseConfig(source: ConfigText): Config {
  const { path, text } = source
  const read = readDocument(text.replace(/^\uFEFF/, ''), /\.jsonc?$/i.test(path))
  if (!read.ok) throw invalid(path, read.mistakes)
  const { value, mistakeAt } = read.document
  const mistakes: Mistake[] = []
  const complain: Complain = (...said) => {
    mistakes.push(mistakeAt(...said))
  }
  if (value !== null && !isFields(value)) {
    complain([], 'not a mapping', 'start with a line such as `servers:`')
    throw invalid(path, mistakes)
  }
  const config = configOf(source, withoutNothing(value ?? {}), complain)
  if (mistakes.length > 0 || !config) throw invalid(path, mistakes)
  return config
}

function configOf(source: ConfigText, written: Fields, complain: Complain): Config | undefined {
  const { world, path, secrets } = source
  const foreign = foreignOf(path, written)
  const root = foreign ? { mcpServers: written[foreign.key] } : written
  complainUnknown(root, complain)
  const folder = dirname(resolve(path))
  const data = dataOf(root, folder, complain)
  const extra = secrets?.(data, complain)
  const notes = [...(foreign?.notes ?? [])]
  const variable = (name: string): string | undefined => world.env(name) ?? extra?.get(name)
  const { servers, disabled, ids, rules, labels } = readServers(root, {
    folder,
    variable,
    complain: relocated(foreign, complain),
    note: (text) => void notes.push(text),
  })
  const views = readViews(root['views'], ids, disabled, complain)
  const { shape } = configSchema
  const { where, auth } = doorOf(root, variable, complain)
  checkViewNames(auth, [...ids, ...views.map(({ name }) => name)], complain)
  const judging = section(shape.policy, 'policy', root, complain)
  const groups = groupsIn(judging)
  const allowed = allowedOf(root, judging, { folder, ids, views, groups, labels, rules, complain })
  const outside = outsideOf(root, judging, { folder, groups, variable, complain })
  const ledger = ledgerOf(root, { folder, variable, complain })
  const store = storeOf(section(shape.store, 'store', root, complain), variable, complain)
  const tasks = section(shape.tasks, 'tasks', root, complain)
  const limits = section(shape.limits, 'limits', root, complain)
  const told = toldOf(root, { variable, complain, note: (text) => void notes.push(text) })
  if (!where || !outside || !ledger || !tasks || !limits || !told) return undefined
  const said = {
    data,
    store,
    servers,
    disabled,
    views,
    rules,
    ledger,
    tasks,
    limits,
    notes,
  }
  return {
    ...allowed,
    ...outside,
    ...told,
    path: resolve(path),
    listen: where,
    auth,
    digests: digestsOf(written),
    ...said,
  }
}

const groupsIn = (judging: z.output<typeof configSchema.shape.policy>): readonly string[] =>
  Object.keys(judging?.groups ?? {})

/** Who may do what, how much of it, what it may hold, and what is shown to servers for it. */
function allowedOf(
  root: Fields,
  judging: z.output<typeof configSchema.shape.policy>,
  { folder, ids, views, groups, labels, rules, complain }: Allowing,
): Pick<Config, 'policy' | 'flow' | 'redaction' | 'quotas' | 'vault'> {
  const { shape } = configSchema
  const sealing = section(shape.vault, 'vault', root, complain)
  const covering = section(shape.redaction, 'redaction', root, complain)
  const limiting = section(shape.quotas, 'quotas', root, complain) ?? []
  const named = { servers: ids, views: views.map(({ name }) => name), groups }
  return {
    policy: judging && policyOf(judging, folder, complain),
    flow: flowOf(judging?.runs, labels, rules),
    redaction: covering && redactionOf(covering, ids, complain),
    quotas: quotasOf(limiting, named, complain),
    vault: sealing && vaultOf(sealing, folder),
  }
}

interface Allowing extends Pick<Config, 'views' | 'rules'> {
  readonly folder: string
  readonly ids: ReadonlySet<string>
  readonly groups: readonly string[]
  readonly labels: Flow['servers']
  readonly complain: Complain
}

/** How what happened is recorded, and who else looks after it. */
function ledgerOf(
  root: Fields,
  reading: Parameters<typeof witnessesOf>[1],
): Config['ledger'] | undefined {
  const recording = section(configSchema.shape.ledger, 'ledger', root, reading.complain)
  return (
    recording && {
      ...recording,
      payloads: payloadsOf(recording.payloads),
      witnesses: witnessesOf(recording.witnesses, reading),
      witnessFor: watchedOf(recording.witnessFor, reading),
    }
  )
}

/** Who is told outside of the house, and who may answer from there. */
function outsideOf(
  root: Fields,
  judging: z.output<typeof configSchema.shape.policy>,
  reading: Parameters<typeof eventsOf>[1],
): Pick<Config, 'events' | 'deciders'> | undefined {
  const events = section(configSchema.shape.events, 'events', root, reading.complain)
  const deciders = decidersOf(judging?.approvals.deciders ?? [], reading)
  return events && { events: eventsOf(events, reading), deciders }
}

/** What we say of ourselves while running, and to whom. */
function toldOf(
  root: Fields,
  reading: Parameters<typeof telemetryOf>[2],
): Pick<Config, 'log' | 'telemetry'> | undefined {
  const { shape } = configSchema
  const log = section(shape.log, 'log', root, reading.complain)
  const telling = section(shape.telemetry, 'telemetry', root, reading.complain)
  return log && { log, telemetry: telling && telemetryOf(telling, log.level, reading) }
}

/** Where we listen, and who is let in: the one depends on the other. */
function doorOf(
  root: Fields,
  variable: Variable,
  complain: Complain,
): { readonly where: Listen | undefined; readonly auth: AuthSettings | undefined } {
  const { shape } = configSchema
  const listen = section(shape.listen, 'listen', root, complain)
  const auth = section(shape.auth, 'auth', root, complain)
  return {
    where: listen && listenOf(listen, root['auth'] !== undefined, complain),
    auth: auth && authOf(auth, variable, complain),
  }
}

function section<S extends z.ZodType>(
  schema: S,
  name: string,
  root: Fields,
  complain: Complain,
): z.output<S> | undefined {
  const read = schema.safeParse(root[name])
  if (read.success) return read.data
  const { issues } = read.error
  const written = root[name]
  complainShape(issues, written, [name], complain)
  return isFields(written) ? schema.safeParse(withoutWrong(written, issues)).data : undefined
}

function complainUnknown(root: Fields, complain: Complain): void {
  for (const key of Object.keys(root)) if (!SECTIONS.has(key)) unknownField(key, [], complain)
}

function dataOf(root: Fields, folder: string, complain: Complain): string {
  const written = section(configSchema.shape.data, 'data', root, complain)
  if (written !== undefined && /^~(?:[/\\]|$)/.test(written)) {
    complain(['data'], '~ means nothing here', 'write the whole path, or one relative to this file')
  }
  return folderFrom(folder, written ?? '.')
}

/** A client's file has its servers elsewhere than our schema says. */
const relocated =
  (foreign: Foreign | undefined, complain: Complain): Complain =>
  (at, ...said) =>
    complain(foreign && at[0] === 'mcpServers' ? [foreign.key, ...at.slice(1)] : at, ...said)

/** `servers:` with every entry commented out is no mistake. */
const withoutNothing = (root: object): Fields =>
  Object.fromEntries(Object.entries(root).filter(([, value]) => value !== null))
