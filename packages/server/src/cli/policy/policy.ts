import { Fault } from '@countersign/contract'
import { type Command } from '../command.ts'
import { check } from './check.ts'
import { explain } from './explain.ts'
import { schema } from './schema.ts'
import { simulate } from './simulate.ts'
import { test } from './test.ts'

export const policy: Command = {
  summary: 'Checks, tests, explains and simulates policies.',
  usage: 'policy check|test|explain|simulate|schema [FOLDER] [options]',
  options: {},
  help: `  countersign policy check [FOLDER]                    all mistakes, with line and column
  countersign policy test [FOLDER]                     the cases beside the policies
  countersign policy explain [FOLDER] --tool S/NAME    how one call would be decided, and why
  countersign policy simulate FOLDER                   which recorded calls would be decided otherwise
  countersign policy schema                            what policies may ask about

Without FOLDER the policies of the configuration are meant. Each has its own --help.`,
  parts: { check, test, explain, simulate, schema },
  run: async () => {
    throw new Fault(
      'rpc/bad-params',
      'after "policy" comes check, test, explain, simulate or schema.',
    )
  },
}
