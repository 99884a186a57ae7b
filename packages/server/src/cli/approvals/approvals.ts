import { Fault } from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  type Command,
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson, table } from '../io.ts'
import { reach } from '../reach.ts'
import { shown } from './decide.ts'
import { approvalIn } from './find-approval.ts'
import { watch } from './watch.ts'
import { listReviews } from './review.ts'
import { rows } from './words.ts'

const show: Command = {
  summary: 'Shows exactly what one call that waits for approval will do.',
  usage: 'approvals show <id> [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    await using gateway = await reach(findConfig(parsed, io), io)
    const detail = await approvalIn(parsed, show.usage, gateway.admin)
    if (flag(parsed, 'json')) printJson(io, detail)
    else print(io, shown(detail, io))
    return EXIT.ok
  },
}

export const approvals: Command = {
  summary: 'Lists calls that wait for the yes of people.',
  usage: 'approvals [--watch] [--all] [--to-review] [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    all: { type: 'boolean', short: 'a' },
    watch: { type: 'boolean', short: 'w' },
    'to-review': { type: 'boolean' },
  },
  help: `  -w, --watch         goes on saying what comes to wait, and what becomes of it, until Ctrl-C
  -a, --all           also those that are over
  --to-review         where somebody broke the glass, and nobody else has looked at it
${CONFIG_HELP}
${JSON_HELP}

  countersign approvals show ID             exactly what it will do
  countersign approve ID [--reason TEXT]    says yes
  countersign deny ID --reason TEXT         says no
  countersign review ID --verdict WORD      says what you found of a broken glass`,
  parts: { show },
  run: async (parsed, io) => {
    const [stray] = parsed.positionals
    if (stray !== undefined) {
      throw new Fault(
        'rpc/bad-params',
        `there is no "approvals ${stray}". After "approvals" comes show, or options.`,
      )
    }
    const config = findConfig(parsed, io)
    const asJson = flag(parsed, 'json')
    if (flag(parsed, 'watch')) return watch(config, io, asJson)
    await using gateway = await reach(config, io)
    if (flag(parsed, 'to-review')) return listReviews(gateway.admin, parsed, io)
    const asked = flag(parsed, 'all') ? {} : { states: 'open' }
    const found = await gateway.admin.listApprovals({ ...asked, limit: 500 })
    if (asJson) for (const one of found) printJson(io, one)
    else if (found.length === 0) print(io, 'Nothing waits for approval.')
    else print(io, table(rows(found, io.world.now())))
    return EXIT.ok
  },
}
