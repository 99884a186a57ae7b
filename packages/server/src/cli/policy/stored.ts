/** The sets that were in force, and how another one is put there: for `policy.source: admin`. */
import { Fault } from '@countersign/contract'
import { changeBetween, loadCedar, parseSet, readPolicies } from '#policy'
import { resolve } from 'node:path'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
  type Parsed,
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson } from '../io.ts'
import { printable } from '../printable.ts'
import { reach } from '../reach.ts'
import { readCases } from './read-cases.ts'
import { sayInForce, sayVersions } from './words.ts'

const OPTIONS = { ...CONFIG_OPTION, ...JSON_OPTION }
const HELP = `${CONFIG_HELP}\n${JSON_HELP}`
const CHANGE_OPTIONS = {
  ...OPTIONS,
  author: { type: 'string' },
  reason: { type: 'string', short: 'r' },
  expect: { type: 'string' },
} as const
const CHANGE_HELP = `      --author WHO    who wrote it; default: operator
  -r, --reason WHY    written down
      --expect N      only if version N is in force; without it the last one wins
${HELP}`

const versions: Command = {
  summary: 'The sets of policies that were in force, the newest first.',
  usage: 'policy versions [options]',
  options: OPTIONS,
  help: HELP,
  run: async (parsed, io) => {
    await using gateway = await reach(findConfig(parsed, io), io)
    sayVersions(await gateway.admin.listPolicyVersions({}), parsed, io)
    return EXIT.ok
  },
}

const show: Command = {
  summary: 'Prints a set of policies that was in force.',
  usage: 'policy show [N] [options]',
  options: OPTIONS,
  help: `  N                   its number; default: the one in force
${HELP}`,
  run: async (parsed, io) => {
    const number = parsed.positionals[0] === undefined ? {} : { number: numberIn(parsed, 0) }
    await using gateway = await reach(findConfig(parsed, io), io)
    const version = await gateway.admin.getPolicyVersion(number)
    if (flag(parsed, 'json')) printJson(io, version)
    else {
      for (const { name, text } of version.files) {
        print(io, printable(`// ${name}`))
        for (const line of text.split('\n')) print(io, printable(line))
      }
    }
    return EXIT.ok
  },
}

const diff: Command = {
  summary: 'Says which policies two sets differ in, and how.',
  usage: 'policy diff A [B] [options]',
  options: OPTIONS,
  help: `  A                   a number of "policy versions"
  B                   another; default: the one in force
${HELP}`,
  run: async (parsed, io) => {
    const from = numberIn(parsed, 0)
    const to = parsed.positionals[1] === undefined ? {} : { number: numberIn(parsed, 1) }
    await using gateway = await reach(findConfig(parsed, io), io)
    const { admin } = gateway
    const cedar = await loadCedar()
    const [before, after] = (
      await Promise.all([admin.getPolicyVersion({ number: from }), admin.getPolicyVersion(to)])
    ).map(({ files }) => parseSet(cedar, files).policies)
    const change = changeBetween(before ?? [], after ?? [])
    if (flag(parsed, 'json')) {
      printJson(io, change)
      return EXIT.ok
    }
    const text = (set: typeof before, id: string): string =>
      set?.find((one) => one.id === id)?.text ?? ''
    const say = (mark: string, lines: string): void => {
      for (const line of lines.split('\n')) print(io, printable(`${mark} ${line}`))
    }
    for (const id of change.removed) say('-', text(before, id))
    for (const id of change.changed) {
      say('-', text(before, id))
      say('+', text(after, id))
    }
    for (const id of change.added) say('+', text(after, id))
    const count = change.added.length + change.removed.length + change.changed.length
    if (count === 0) print(io, 'They do not differ.')
    return EXIT.ok
  },
}

const apply: Command = {
  summary: 'Puts the policies of a folder in force on every node, if they are right.',
  usage: 'policy apply FOLDER [options]',
  options: { ...CHANGE_OPTIONS, force: { type: 'boolean' } },
  help: `  FOLDER              with the policies (*.cedar) and their cases (*.cases.yaml)
      --force         also where cases do not come out
${CHANGE_HELP}

Needs policy.source: admin. A mistake, or a case that does not come out, changes nothing.`,
  run: async (parsed, io) => {
    const [named] = parsed.positionals
    if (named === undefined) throw new Fault('rpc/bad-params', 'name a folder: policy apply FOLDER')
    const folder = resolve(io.cwd, named)
    const read = readPolicies(folder)
    if (!read.ok) throw new Fault('config/invalid', read.problem)
    const files = read.files.map(({ name, text }) => ({ name, text }))
    const cases = readCases(folder).map(({ name, timeZone, cases: all }) => ({
      name,
      ...(timeZone === undefined ? {} : { timeZone }),
      cases: all.map((one) => JSON.parse(JSON.stringify(one))),
    }))
    await using gateway = await reach(findConfig(parsed, io), io)
    const force = flag(parsed, 'force')
    const input = { files, cases, force, ...changeIn(parsed) }
    sayInForce(await gateway.admin.applyPolicies(input), parsed, io)
    return EXIT.ok
  },
}

const rollback: Command = {
  summary: 'Puts an earlier set of policies in force again, as a new version.',
  usage: 'policy rollback N [options]',
  options: CHANGE_OPTIONS,
  help: `  N                   a number of "policy versions"
${CHANGE_HELP}`,
  run: async (parsed, io) => {
    const number = numberIn(parsed, 0)
    await using gateway = await reach(findConfig(parsed, io), io)
    const version = await gateway.admin.rollbackPolicies({ number, ...changeIn(parsed) })
    sayInForce(version, parsed, io)
    return EXIT.ok
  },
}

function changeIn(parsed: Parsed) {
  const [author, reason] = ['author', 'reason'].map((name) => textOption(parsed, name))
  const expect = textOption(parsed, 'expect')
  return {
    ...(author === undefined ? {} : { author }),
    ...(reason === undefined ? {} : { reason }),
    ...(expect === undefined ? {} : { expect: versionNumber(expect) }),
  }
}

const numberIn = (parsed: Parsed, at: number): number => versionNumber(parsed.positionals[at] ?? '')

function versionNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Fault('rpc/bad-params', 'name a version by its number: "policy versions" lists them.')
}

export const STORED: Readonly<Record<string, Command>> = { versions, show, diff, apply, rollback }
