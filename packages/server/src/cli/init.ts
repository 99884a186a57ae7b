import { join, resolve } from 'node:path'
import type { World } from '#base'
import { apply, type Applied } from './clients/apply.ts'
import type { Client, Place } from './clients/client.ts'
import { dataFolderOf, readOurs } from './clients/our-file.ts'
import type { Reach } from './clients/our-entry.ts'
import { isEmptyPlan, makePlan, type Plan } from './clients/plan.ts'
import { nextText, planJson, planText, shortPath } from './clients/report.ts'
import { scan } from './clients/scan.ts'
import { CLIENTS } from './clients/table.ts'
import { undo, type Undone } from './clients/undo.ts'
import { EXIT } from './command.ts'

export interface InitOptions {
  /** The file to write; `countersign.yaml` in the current folder when it is not given. */
  readonly config?: string
  /** Ids of the table; all of them when it is not given. */
  readonly clients?: readonly string[]
  readonly writeClients?: boolean
  readonly undo?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly force?: boolean
  readonly json?: boolean
  /** How a client that only starts programs starts us; `countersign` in its PATH otherwise. */
  readonly self?: { readonly command: string; readonly args: readonly string[] }
}

export interface InitIo {
  readonly world: World
  readonly home: string
  readonly cwd: string
  readonly platform: NodeJS.Platform
  readonly stdout: { readonly write: (text: string) => unknown }
  readonly isTTY: boolean
  readonly ask?: (question: string) => Promise<boolean>
}

const CONFIG_NAME = 'countersign.yaml'

/**
 * Brings the servers of other programs under our roof: finds their files, writes `countersign.yaml`,
 * and points the programs at us. Without a yes it only says what it would do.
 */
export async function init(options: InitOptions, io: InitIo): Promise<number> {
  const unknown = options.clients?.find((id) => !CLIENTS.some((client) => client.id === id))
  if (unknown !== undefined) {
    const known = CLIENTS.map(({ id }) => id).join(', ')
    return say(
      io,
      options,
      { error: `There is no client "${unknown}". Known: ${known}` },
      EXIT.usage,
    )
  }
  const { world, home, cwd, platform } = io
  const place: Place = { home, cwd, platform, env: world.env }
  const path = resolve(cwd, options.config ?? CONFIG_NAME)
  const ours = readOurs(world, path)
  if (options.undo === true) return undoAll(options, io, place, dataFolderOf(ours, path))
  if (!ours.ok) return say(io, options, { error: ours.problem }, EXIT.cannot)

  const wanted = CLIENTS.filter(({ id }) => options.clients?.includes(id) === true)
  const found = scan(options.clients === undefined ? CLIENTS : wanted, place)
  const reach = reachOf(options, ours.file.origin, path)
  const plan = makePlan({ world, place, ours: ours.file, found, reach, wanted })
  const name = shortPath(path, place)
  if (options.json !== true) io.stdout.write(`${introduction(plan, place, name)}\n`)
  const consent = await consentOf(plan, options, io, name)
  const applied = consent.own ? apply(world, plan, ours.file, consent.clients) : NOTHING_APPLIED
  return report({ plan, consent, applied, name }, options, io, place)
}

const NOTHING_APPLIED: Applied = { written: [], failed: [] }

function reachOf({ self }: InitOptions, origin: string, path: string): Reach {
  const { command, args } = self ?? { command: 'countersign', args: [] }
  return { origin, command, args: [...args, 'serve', '--stdio', '--config', path] }
}

function introduction(plan: Plan, place: Place, name: string): string {
  const text = planText(plan, place, name)
  if (plan.rows.length > 0) return text
  return `No servers were found in the files of other clients.${text === '' ? '' : `\n\n${text}`}`
}

interface Consent {
  readonly own: boolean
  readonly clients: boolean
}

/** Nothing is written unasked: a yes comes from the command line or from a person at the terminal. */
async function consentOf(
  plan: Plan,
  options: InitOptions,
  { isTTY, ask }: InitIo,
  name: string,
): Promise<Consent> {
  const { dryRun, yes, json, writeClients } = options
  if (dryRun === true || isEmptyPlan(plan)) return { own: false, clients: false }
  if (yes === true) return { own: true, clients: writeClients === true }
  if (!isTTY || ask === undefined || json === true) return { own: false, clients: false }
  const own = plan.files.length === 0 || (await ask(`\nWrite ${name}?`))
  if (!own || plan.edits.length === 0) return { own, clients: false }
  const names = [...new Set(plan.edits.flatMap(({ clients }) => clients))].map(
    (client) => client.name,
  )
  const clients = await ask(
    `Point ${names.join(', ')} at Countersign? Their files are kept for --undo.`,
  )
  return { own, clients }
}

interface Result {
  readonly plan: Plan
  readonly consent: Consent
  readonly applied: Applied
  readonly name: string
}

function report(
  { plan, consent, applied, name }: Result,
  options: InitOptions,
  io: InitIo,
  place: Place,
): number {
  const changed = plan.edits.filter(({ path }) => applied.written.includes(path))
  const clients = [...new Set(changed.flatMap((edit) => edit.clients))]
  const exit = applied.failed.length > 0 ? EXIT.failed : EXIT.ok
  if (options.json === true) {
    const next = clients.map((client) => ({ client: client.id, next: client.next }))
    return say(
      io,
      options,
      { ...planJson(plan, name), dryRun: !consent.own, ...applied, next },
      exit,
    )
  }
  const lines: string[] = []
  if (isEmptyPlan(plan)) lines.push('Nothing is left to do.')
  else if (!consent.own) lines.push(dryRunText(plan, options))
  for (const path of applied.written) lines.push(`written  ${shortPath(path, place)}`)
  for (const { path, problem } of applied.failed) {
    lines.push(`NOT written  ${shortPath(path, place)}  ${problem}`)
  }
  if (applied.written.length > 0) lines.push(afterwards(plan, clients, consent))
  io.stdout.write(`\n${lines.join('\n')}\n`)
  return exit
}

function dryRunText(plan: Plan, { clients = [] }: InitOptions): string {
  const named = clients.map((id) => ` --client ${id}`).join('')
  const both = plan.edits.length > 0 ? '\nwith clients pointed at it:  ' : ''
  const command = `countersign init${named} --yes`
  return `Nothing was changed. To do it:  ${command}${both}${both && `${command} --write-clients`}`
}

function afterwards(plan: Plan, clients: readonly Client[], { clients: asked }: Consent): string {
  const parts = ['', 'Next:', '  countersign serve']
  if (clients.length > 0) parts.push(nextText(clients))
  else if (!asked && plan.edits.length > 0) {
    parts.push('  countersign init --write-clients points your clients at it')
  }
  parts.push('  countersign init --undo puts every file back')
  return parts.join('\n')
}

function undoAll(options: InitOptions, io: InitIo, place: Place, data: string): number {
  const undone = undo(io.world, data, options.force === true)
  const exit = undone.ok ? EXIT.ok : EXIT.failed
  if (options.json === true) return say(io, options, undone, exit)
  io.stdout.write(`${undoneText(undone, place, data)}\n`)
  return exit
}

function undoneText(undone: Undone, place: Place, data: string): string {
  const short = (path: string): string => shortPath(path, place)
  const lines = [
    ...undone.restored.map((path) => `restored  ${short(path)}`),
    ...undone.removed.map((path) => `removed  ${short(path)}`),
    ...undone.kept.map((path) => `kept, because you changed it  ${short(path)}`),
    ...undone.problems.map(({ path, problem }) => `NOT restored  ${short(path)}  ${problem}`),
  ]
  if (lines.length === 0) return `There is nothing to undo in ${short(join(data, 'init-backup'))}.`
  if (!undone.ok && undone.restored.length === 0) lines.push('Nothing was changed.')
  return lines.join('\n')
}

function say(io: InitIo, { json }: InitOptions, value: object, exit: number): number {
  const plain = json !== true && 'error' in value ? String(value.error) : JSON.stringify(value)
  io.stdout.write(`${plain}\n`)
  return exit
}
