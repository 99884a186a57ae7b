import type { Admin } from '@countersign/contract'
import { flag, type Parsed } from '../command.ts'
import { print, printJson, table, type Io } from '../io.ts'
import { printable } from '../printable.ts'

export type Version = Awaited<ReturnType<Admin['listPolicyVersions']>>[number]

export function sayVersions(versions: readonly Version[], parsed: Parsed, io: Io): void {
  if (flag(parsed, 'json')) for (const one of versions) printJson(io, one)
  else {
    const head = ['VERSION', 'SINCE', 'POLICIES', 'CHANGE', 'AUTHOR', 'WHY']
    print(io, table([head, ...versions.map(rowOf)]))
  }
}

const rowOf = (one: Version): readonly string[] => [
  `${String(one.number)}${one.isInForce ? ' *' : ''}`,
  new Date(one.at).toISOString(),
  String(one.policies),
  changeInWords(one),
  one.author,
  one.reason ?? '',
]

/** `+2 -1 ~3`: added, removed, changed. */
const changeInWords = ({ added, removed, changed }: Version): string =>
  [
    ...(added.length > 0 ? [`+${String(added.length)}`] : []),
    ...(removed.length > 0 ? [`-${String(removed.length)}`] : []),
    ...(changed.length > 0 ? [`~${String(changed.length)}`] : []),
  ].join(' ')

export function sayInForce(version: Version, parsed: Parsed, io: Io): void {
  if (flag(parsed, 'json')) printJson(io, version)
  else {
    const { number, added, removed, changed } = version
    print(io, `Version ${String(number)} is in force.`)
    for (const [mark, ids] of [
      ['+', added],
      ['-', removed],
      ['~', changed],
    ] as const) {
      for (const id of ids) print(io, printable(`${mark} ${id}`))
    }
  }
}
