import { Fault } from '@countersign/contract'
import { type Command } from '../command.ts'
import { check } from './check.ts'
import { explain } from './explain.ts'
import { schema } from './schema.ts'
import { simulate } from './simulate.ts'
import { STORED } from './stored.ts'
import { test } from './test.ts'

export const policy: Command = {
  summary: 'Checks, tests, explains, simulates and applies policies; their versions.',
  usage: 'policy check|test|explain|simulate|schema|versions|show|diff|apply|rollback … [options]',
  options: {},
  help: `  countersign policy check [FOLDER]                    all mistakes, with line and column
  countersign policy test [FOLDER]                     the cases beside the policies
  countersign policy explain [FOLDER] --tool S/NAME    how one call would be decided, and why
  countersign policy simulate FOLDER                   which recorded calls would be decided otherwise
  countersign policy schema                            what policies may ask about
  countersign policy versions                          what was in force, since when, by whom
  countersign policy show [N]                          the text of a version
  countersign policy diff A [B]                        how two versions differ
  countersign policy apply FOLDER                      puts a folder in force (policy.source: admin)
  countersign policy rollback N                        puts an earlier version in force again

Without FOLDER the policies of the configuration are meant. Each has its own --help.`,
  parts: { check, test, explain, simulate, schema, ...STORED },
  run: async () => {
    throw new Fault(
      'rpc/bad-params',
      'after "policy" comes check, test, explain, simulate, schema, versions, show, diff, apply or rollback.',
    )
  },
}
