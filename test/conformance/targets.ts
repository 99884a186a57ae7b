// The servers a run talks to: the two fixtures, and a gateway in front of them.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { REVISIONS, serverName, type Leg, type Revision } from './legs.ts'
import { launch, type Running } from './processes.ts'

const fileOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

const FIXTURES: Readonly<Record<Revision, string>> = {
  '2025-11-25': fileOf('fixture-2025.ts'),
  '2026-07-28': fileOf('fixture-2026.ts'),
}
const KIT = fileOf('../../packages/sdk/test/conformance-tools.ts')
const GATEWAY = fileOf('../../packages/server/src/main.ts')

/** Servers without tasks by their revision, and the one with. */
export type Fixtures = Readonly<Record<Revision | 'kit', Running>>
type Options = { readonly verbose: boolean }

const startFixture = (args: readonly string[], options: Options): Promise<Running> =>
  launch([...args, '--port', '0'], (line) => /^listening (\S+)$/.exec(line)?.[1], options)

export const startFixtures = async (options: Options): Promise<Fixtures & AsyncDisposable> => {
  const data = await mkdtemp(join(tmpdir(), 'countersign-kit-'))
  const [old, modern, kit] = await Promise.all([
    startFixture([FIXTURES['2025-11-25']], options),
    startFixture([FIXTURES['2026-07-28']], options),
    startFixture([KIT, '--data', data], options),
  ])
  return {
    '2025-11-25': old,
    '2026-07-28': modern,
    kit,
    async [Symbol.asyncDispose]() {
      await Promise.all([old, modern, kit].map((one) => one[Symbol.asyncDispose]()))
      await rm(data, { recursive: true, force: true })
    },
  }
}

/** One entry over HTTP and one over stdio, with the same rules. */
const entries = (
  leg: Leg,
  { url }: Running,
  args: readonly string[],
  tools: Readonly<Record<string, { readonly after: string }>>,
): string[] => {
  // A busy machine may start a process so slowly that its silence is taken for the old era.
  const era = leg.upstream === '2026-07-28' ? { era: 'modern' } : {}
  const started = { command: process.execPath, args, tools, ...era }
  return [
    `  ${serverName(leg)}: ${JSON.stringify({ url, tools })}`,
    `  ${serverName({ ...leg, transport: 'stdio' })}: ${JSON.stringify(started)}`,
  ]
}

/** Of these the suite wants tasks. One asks first, and is to be asked before it becomes one (TX-008). */
const SLOW = {
  ...Object.fromEntries(
    ['slow_compute', 'failing_job', 'protocol_error_job', 'confirm_delete', 'multi_input'].map(
      (name) => [name, { after: '100 ms' }],
    ),
  ),
  test_tool_with_task: { after: '1 s' },
}
/** TX-004: what must not become a task of ours and is nothing but one cannot be done without it. */
const NEVER = { failing_job: { after: 'never' } }

const configurationOf = (directory: string, fixtures: Fixtures): string =>
  [
    'listen: { host: 127.0.0.1, port: 0 }',
    `data: ${JSON.stringify(join(directory, 'data'))}`,
    'servers:',
    ...REVISIONS.flatMap((revision) =>
      entries(
        { target: 'gateway', upstream: revision, revision },
        fixtures[revision],
        [FIXTURES[revision], '--stdio'],
        SLOW,
      ),
    ),
    ...entries(
      { target: 'gateway', upstream: '2026-07-28', revision: '2026-07-28', fixture: 'kit' },
      fixtures.kit,
      [KIT, '--data', join(directory, 'kit')],
      NEVER,
    ),
    '',
  ].join('\n')

/** With `--json` the gateway prints an event a line, and first of all where it listens. */
const listeningAt = (line: string): string | undefined => {
  try {
    const event: { event?: unknown; url?: unknown } = JSON.parse(line)
    return event.event === 'listening' && typeof event.url === 'string' ? event.url : undefined
  } catch {
    return undefined
  }
}

export const startGateway = async (fixtures: Fixtures, options: Options): Promise<Running> => {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-gateway-'))
  const clean = () => rm(directory, { recursive: true, force: true })
  try {
    const config = join(directory, 'countersign.yaml')
    await writeFile(config, configurationOf(directory, fixtures))
    const gateway = await launch(
      [GATEWAY, 'serve', '--config', config, '--json'],
      listeningAt,
      options,
    )
    return {
      url: gateway.url,
      async [Symbol.asyncDispose]() {
        await gateway[Symbol.asyncDispose]()
        await clean()
      },
    }
  } catch (error) {
    await clean()
    throw error
  }
}
