import { fileURLToPath } from 'node:url'
import { askYes, canBeAsked } from './ask-yes.ts'
import { CONFIG_OPTION, flag, JSON_HELP, JSON_OPTION, textOption, type Command } from './command.ts'
import { init as runInit } from './init.ts'

export const init: Command = {
  summary: 'Writes countersign.yaml from the MCP clients on this machine, and points them at us.',
  usage: 'init [--write-clients] [--client NAME]… [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    client: { type: 'string', multiple: true },
    'write-clients': { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    undo: { type: 'boolean' },
    force: { type: 'boolean' },
    yes: { type: 'boolean', short: 'y' },
  },
  help: `  --client NAME       only this client; may be repeated (claude-code, cursor, vscode, codex, …)
  --write-clients     also replace the imported entries in the clients' files by one that points at us
  --undo              put every byte back as it was before init
  --force             with --undo: also where a file was changed since
  --dry-run           only say what would be done (the default when nobody can be asked)
  -y, --yes           do it without asking
  -c, --config FILE   the file to write (default: countersign.yaml here)
${JSON_HELP}`,
  run: (parsed, io) => {
    const config = textOption(parsed, 'config')
    const clients = parsed.values['client']
    return runInit(
      {
        ...(config === undefined ? {} : { config }),
        ...(Array.isArray(clients) ? { clients: clients.map(String) } : {}),
        writeClients: flag(parsed, 'write-clients'),
        undo: flag(parsed, 'undo'),
        dryRun: flag(parsed, 'dry-run'),
        force: flag(parsed, 'force'),
        yes: flag(parsed, 'yes'),
        json: flag(parsed, 'json'),
        self: { command: process.execPath, args: [mainFile()] },
      },
      {
        world: io.world,
        home: io.home,
        cwd: io.cwd,
        platform: io.world.platform,
        stdout: io.stdout,
        isTTY: canBeAsked(io),
        ask: (question) => askYes(io, question),
      },
    )
  },
}

/** Where this program is, in the source as in the build: a client may not have it in its PATH. */
const mainFile = (): string => {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`../main.${extension}`, import.meta.url))
}
