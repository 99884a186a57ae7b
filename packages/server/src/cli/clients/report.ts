import { relative, sep } from 'node:path'
import { keyName } from '#config'
import { printable } from '../printable.ts'
import type { Client, Place } from './client.ts'
import type { Plan, Row } from './plan.ts'
import type { Scan } from './scan.ts'

/** A path as people write it: from here, or from home. */
export function shortPath(path: string, { cwd, home }: Place): string {
  const shown =
    inside(cwd, path) ?? (inside(home, path) === undefined ? path : `~${sep}${inside(home, path)}`)
  return printable(shown)
}

function inside(folder: string, path: string): string | undefined {
  const way = relative(folder, path)
  return way === '' || way.startsWith('..') || way === path ? undefined : way
}

function outcomeText({ outcome }: Row, configName: string): string {
  switch (outcome.kind) {
    case 'ours':
      return 'points at Countersign already'
    case 'left':
      return `stays as it is: ${printable(outcome.why)}`
    case 'known':
      return `${configName} has it already, as ${outcome.id}`
    case 'new': {
      if (outcome.missing.length === 0) return `goes into ${configName} as ${outcome.id}`
      return `goes into ${configName} as ${outcome.id}, disabled: needs ${outcome.missing.join(', ')}`
    }
    default:
      return outcome
  }
}

function tableText(plan: Plan, configName: string): string {
  const rows = plan.rows.map((row) => [
    row.client.name,
    keyName(row.name),
    row.transport || '-',
    row.secrets.length > 0 ? 'found' : '-',
    outcomeText(row, configName),
  ])
  const all = [['CLIENT', 'SERVER', 'TRANSPORT', 'SECRET', 'WHAT HAPPENS'], ...rows]
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0)),
  )
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function problemText(
  { client, path, line, problem }: Scan['problems'][number],
  place: Place,
): string {
  const where = line === undefined ? shortPath(path, place) : `${shortPath(path, place)}:${line}`
  return `${client}: ${where}  ${problem}`
}

/** What is said of the plan before anything is done. */
export function planText(plan: Plan, place: Place, configName: string): string {
  const parts: string[] = []
  if (plan.rows.length > 0) parts.push(tableText(plan, configName))
  const secrets = [...new Set(plan.rows.flatMap((row) => row.secrets))].join(', ')
  const files = plan.files.map(({ path, mode }) =>
    mode === 0o600
      ? `${shortPath(path, place)}  the secrets found, readable by you alone: ${secrets}`
      : `${shortPath(path, place)}  written`,
  )
  if (files.length > 0) parts.push(`Files:\n${indented(files)}`)
  const edits = plan.edits.map(({ path, removed, content }) => {
    const gone = removed.length === 0 ? '' : `, ${removed.length} of its servers removed`
    return `${shortPath(path, place)}  ${content ? 'countersign added' : 'made, with countersign'}${gone}`
  })
  if (edits.length > 0)
    parts.push(`Clients' files, when you point them at Countersign:\n${indented(edits)}`)
  const notes = plan.notes.map(printable)
  if (notes.length > 0) parts.push(`Notes:\n${indented(notes)}`)
  const problems = plan.problems.map((problem) => problemText(problem, place))
  if (problems.length > 0) parts.push(`Left alone:\n${indented(problems)}`)
  return parts.join('\n\n')
}

const indented = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join('\n')

export const nextText = (clients: readonly Client[]): string =>
  indented(clients.map(({ name, next }) => `${name}: ${next}`))

/** The plan for programs. Values of secrets are in none of its fields. */
export const planJson = (plan: Plan, configName: string): object => ({
  servers: plan.rows.map((row) => ({
    client: row.client.id,
    file: row.file.path,
    server: row.name,
    transport: row.transport === '' ? null : row.transport,
    secrets: row.secrets,
    outcome: row.outcome.kind,
    id: 'id' in row.outcome ? row.outcome.id : null,
    needs: 'missing' in row.outcome ? row.outcome.missing : [],
    what: outcomeText(row, configName),
  })),
  files: plan.files.map(({ path }) => path),
  clientFiles: plan.edits.map(({ path, clients, removed }) => ({
    path,
    clients: clients.map(({ id }) => id),
    removed,
  })),
  notes: plan.notes,
  problems: plan.problems,
})
