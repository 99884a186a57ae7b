import type { Admin } from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
} from './command.ts'
import { findConfig } from './find-config.ts'
import { print, printJson, table, type Io } from './io.ts'
import { printable } from './printable.ts'
import { reach } from './reach.ts'

const DESCRIPTION_CHARS = 60
const DIGEST_CHARS = 'sha256:'.length + 12

export const tools: Command = {
  summary: 'Lists the tools as clients see them, with effect class and digest.',
  usage: 'tools [--view NAME] [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION, view: { type: 'string', short: 'v' } },
  help: `  -v, --view NAME     a server or a view of the configuration (default: all servers)
${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    await using gateway = await reach(findConfig(parsed, io), io)
    const listed = await gateway.admin.listTools({ view: textOption(parsed, 'view') ?? '' })
    await sayProblems(io, gateway.admin)
    if (flag(parsed, 'json')) {
      for (const tool of listed) printJson(io, tool)
      return EXIT.ok
    }
    const rows = listed.map(({ name, effect, digest, description = '' }) => [
      name,
      effect,
      digest.slice(0, DIGEST_CHARS),
      firstLine(description),
    ])
    print(io, table([['TOOL', 'EFFECT', 'DIGEST', 'DESCRIPTION'], ...rows]))
    return EXIT.ok
  },
}

/** A server whose tools are missing must not look like one that has none. */
async function sayProblems(io: Io, admin: Admin): Promise<void> {
  for (const { id, problem, problems } of await admin.listServers({})) {
    for (const said of [...(problem === undefined ? [] : [problem]), ...problems]) {
      io.stderr.write(`${id}: ${printable(said)}\n`)
    }
  }
}

const firstLine = (text: string): string => {
  const [line = ''] = text.split('\n')
  return line.length > DESCRIPTION_CHARS ? `${line.slice(0, DESCRIPTION_CHARS - 1)}…` : line
}
