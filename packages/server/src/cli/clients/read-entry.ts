import { isAbsolute, resolve } from 'node:path'
import { isFields, keyName, literal, readPasted, type Fields } from '#config'
import type { Client, ClientPlace, Place } from './client.ts'
import { secretIn, secretsInArgs, type SecretPart } from './looks-secret.ts'
import { rewrite, variableName } from './tokens.ts'
import type { Vault } from './vault.ts'

/** A client's entry as it will stand in our file. */
export interface Imported {
  /** Our fields; secrets are `${NAME}` by now. */
  readonly entry: Fields
  /** The variables that hold its secrets. */
  readonly secrets: readonly string[]
  /** Variables without a value: it stays disabled until a person gives them one. */
  readonly missing: readonly string[]
  /** What the person told the client to do with it; kept as comments. */
  readonly intent: readonly string[]
  readonly unused: readonly string[]
}

export type ReadEntry =
  | { readonly ok: true; readonly server: Imported }
  | { readonly ok: false; readonly obstacle: string }

/** Fields by which people limit a server in their client: wishes that must not get lost. */
const INTENT = new Set([
  'alwaysAllow',
  'alwaysLoad',
  'autoApprove',
  'autoApproved',
  'available_tools',
  'default_tools_approval_mode',
  'disabledTools',
  'disabled_tools',
  'enabledTools',
  'enabled_tools',
  'excludeTools',
  'includeTools',
  'tools',
  'trust',
])
const INTENT_CHARS_MAX = 200
/** Fields that were understood though the pasted form does not know them. */
const UNDERSTOOD = new Set([
  'bearer_token_env_var',
  'env_http_headers',
  'env_keys',
  'env_vars',
  'name',
  'timeout',
  'tool_timeout_sec',
])
const DAY_MS = 86_400_000
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const REFERENCE = /(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

interface Reading {
  readonly id: string
  readonly client: Client
  readonly place: Place
  readonly vault: Vault
  readonly secrets: Set<string>
  readonly asked: Set<string>
}

/** Reads one entry in the notation of its client. `id` gives the variables of its secrets a name. */
export function readEntry(
  id: string,
  written: unknown,
  { client, scope }: { readonly client: Client; readonly scope: ClientPlace['scope'] },
  place: Place,
  vault: Vault,
): ReadEntry {
  if (!isFields(written)) return { ok: false, obstacle: 'not a mapping' }
  const { entry: pasted, unused, problems } = readPasted(written)
  const [problem] = problems
  if (problem) return { ok: false, obstacle: `${keyName(problem.field)}: ${problem.problem}` }
  const reading: Reading = { id, client, place, vault, secrets: new Set(), asked: new Set() }
  const entry = {
    ...rewritten(pasted, reading),
    ...named(written, pasted, reading),
    ...(pasted['disabled'] === true ? { disabled: true } : {}),
    ...timeoutOf(written, client),
  }
  const cwd = cwdOf(entry, scope, place)
  const complete = { ...entry, ...(cwd === undefined ? {} : { cwd }) }
  const missing = missingIn(complete, reading)
  return {
    ok: true,
    server: {
      entry: missing.length === 0 ? complete : { ...complete, disabled: true },
      secrets: [...reading.secrets],
      missing,
      intent: intentOf(written, unused),
      unused: unused.filter((name) => !INTENT.has(name) && !UNDERSTOOD.has(name)),
    },
  }
}

/** The fields of an entry that is no text where text belongs are kept, for the schema to refuse. */
function rewritten(pasted: Fields, reading: Reading): Record<string, unknown> {
  const entry: Record<string, unknown> = {}
  for (const field of ['type', 'command', 'url', 'cwd'] as const) {
    const value = pasted[field]
    if (value === undefined) continue
    const whole = field === 'url' && typeof value === 'string'
    entry[field] = whole ? guarded('URL', value, reading) : textOf(value, reading)
  }
  const { args, env, headers } = pasted
  // First, because a variable that has a name keeps it; arguments get what is left.
  const variables = guardedAll(env, reading)
  if (args !== undefined) entry['args'] = Array.isArray(args) ? guardedArgs(args, reading) : args
  if (env !== undefined) entry['env'] = variables
  if (headers !== undefined) entry['headers'] = guardedAll(headers, reading)
  if (entry['type'] !== 'sse') delete entry['type']
  return entry
}

const guardedAll = (written: unknown, reading: Reading): unknown =>
  isFields(written)
    ? Object.fromEntries(
        Object.entries(written).map(([name, value]) => [name, guarded(name, value, reading)]),
      )
    : written

function guardedArgs(args: readonly unknown[], reading: Reading): unknown[] {
  const texts = args.map((arg) => (typeof arg === 'string' ? arg : ''))
  const parts = secretsInArgs(texts)
  return args.map((arg, index) => {
    const part = parts.get(index)
    return part && !isReference(arg, reading)
      ? hidden(part, part.called ?? 'ARG', reading)
      : textOf(arg, reading)
  })
}

function guarded(name: string, value: unknown, reading: Reading): unknown {
  if (typeof value !== 'string' || isReference(value, reading)) return textOf(value, reading)
  const part = secretIn(name, value)
  return part ? hidden(part, part.called ?? name, reading) : textOf(value, reading)
}

function hidden({ before, secret, after }: SecretPart, called: string, reading: Reading): string {
  const about = variableName(called)
  const prefix = variableName(reading.id)
  const wanted = about === prefix || about.startsWith(`${prefix}_`) ? about : `${prefix}_${about}`
  const name = reading.vault.keep(wanted, secret)
  reading.secrets.add(name)
  return `${literal(before)}\${${name}}${literal(after)}`
}

function textOf(value: unknown, { client, place, asked }: Reading): unknown {
  if (typeof value !== 'string') return value
  const result = rewrite(value, client.styles, place)
  for (const name of result.asked) asked.add(name)
  return result.text
}

function isReference(value: unknown, { client, place }: Reading): boolean {
  if (typeof value !== 'string') return true
  const { text, asked } = rewrite(value, client.styles, place)
  return asked.length > 0 || text !== literal(value)
}

/** Codex and Goose name variables instead of writing references to them. */
function named(written: Fields, pasted: Fields, reading: Reading): Record<string, unknown> {
  const { bearer_token_env_var: bearer, env_http_headers: byHeader } = written
  const headers: Record<string, string> = {}
  if (typeof bearer === 'string' && NAME.test(bearer)) {
    headers['Authorization'] = `Bearer \${${bearer}}`
  }
  for (const [header, name] of Object.entries(isFields(byHeader) ? byHeader : {})) {
    if (typeof name === 'string' && NAME.test(name)) headers[header] = `\${${name}}`
  }
  const lists: unknown[] = [written['env_vars'], written['env_keys']]
  const names = lists
    .flatMap((list): unknown[] => (Array.isArray(list) ? list : []))
    .filter((name): name is string => typeof name === 'string' && NAME.test(name))
  const result: Record<string, unknown> = {}
  if (Object.keys(headers).length > 0) {
    result['headers'] = { ...fieldsOf(guardedAll(pasted['headers'] ?? {}, reading)), ...headers }
  }
  if (names.length > 0 && pasted['command'] !== undefined) {
    const env = Object.fromEntries(names.map((name) => [name, `\${${name}}`]))
    result['env'] = { ...env, ...fieldsOf(guardedAll(pasted['env'] ?? {}, reading)) }
  }
  return result
}

const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {})

function timeoutOf(written: Fields, { timeoutUnitMs }: Client): { callTimeoutMs?: number } {
  const { timeout, tool_timeout_sec: seconds } = written
  const ms =
    typeof seconds === 'number'
      ? seconds * 1_000
      : typeof timeout === 'number'
        ? timeout * timeoutUnitMs
        : undefined
  if (ms === undefined || !(ms >= 1_000)) return {}
  return { callTimeoutMs: Math.min(Math.round(ms), DAY_MS) }
}

/** A project's server runs in the project, wherever our own file is. */
function cwdOf(entry: Fields, scope: string, place: Place): string | undefined {
  const { cwd, command } = entry
  if (command === undefined) return undefined
  if (typeof cwd !== 'string') return scope === 'project' ? literal(place.cwd) : undefined
  return isAbsolute(cwd) || cwd.startsWith('${') ? cwd : resolve(literal(place.cwd), cwd)
}

function missingIn(entry: Fields, { asked, place, vault }: Reading): string[] {
  const used = JSON.stringify(entry).matchAll(REFERENCE)
  const names = [...asked, ...[...used].map(([, name = '']) => name)]
  return [...new Set(names)].filter((name) => place.env(name) === undefined && !vault.holds(name))
}

const intentOf = (written: Fields, unused: readonly string[]): string[] =>
  unused
    .filter((name) => INTENT.has(name))
    .map((name) => `${name}: ${JSON.stringify(written[name])}`.slice(0, INTENT_CHARS_MAX))
