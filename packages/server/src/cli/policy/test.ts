import { runCases, type CaseResult } from '#policy'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  type Command,
} from '../command.ts'
import { print, printJson } from '../io.ts'
import { printable } from '../printable.ts'
import { engineOf, findSet } from './find-set.ts'
import { readCases } from './read-cases.ts'

export const test: Command = {
  summary: 'Asks the policies of a folder the questions of its *.cases.yaml, and compares.',
  usage: 'policy test [FOLDER] [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `  FOLDER              with the policies and their cases; default: policy.folder of the configuration
${CONFIG_HELP}
${JSON_HELP}

A case names a tool, prompt or resource as server/name, and what is expected:

  cases:
    - name: nobody deletes
      principal: User::"https://idp.example#ada"
      tool: files/delete_file
      effect: destructive
      arguments: { path: /tmp/x }
      expect: deny              # allow, ask, deny, listed or hidden
      policies: [no-delete]     # exactly those that determined it`,
  run: async (parsed, io) => {
    const set = await findSet(parsed, io)
    const engine = engineOf(set)
    const results = runCases(engine, readCases(set.folder), set.timeZone)
    const failed = results.filter(({ isAsExpected }) => !isAsExpected)
    if (flag(parsed, 'json')) {
      for (const { isAsExpected, ...one } of results) printJson(io, { ...one, ok: isAsExpected })
    } else {
      for (const one of results) print(io, printable(lineOf(one)))
      print(
        io,
        `${String(results.length - failed.length)} of ${String(results.length)} cases as expected.`,
      )
    }
    if (results.length === 0) io.stderr.write(`There are no *.cases.yaml in ${set.folder}.\n`)
    return failed.length === 0 && results.length > 0 ? EXIT.ok : EXIT.failed
  },
}

const lineOf = ({ file, name, isAsExpected, expected, got }: CaseResult) =>
  isAsExpected
    ? `ok    ${file}  ${name}`
    : `WRONG ${file}  ${name}: expected ${expected}, got ${got}`
