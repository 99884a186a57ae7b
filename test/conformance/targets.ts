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
const GATEWAY = fileOf('../../packages/server/src/main.ts')

export type Fixtures = Readonly<Record<Revision, Running>>
type Options = { readonly verbose: boolean }

const startFixture = (revision: Revision, options: Options): Promise<Running> =>
  launch(
    [FIXTURES[revision], '--port', '0'],
    (line) => /^listening (\S+)$/.exec(line)?.[1],
    options,
  )

export const startFixtures = async (options: Options): Promise<Fixtures & AsyncDisposable> => {
  const [old, modern] = await Promise.all([
    startFixture('2025-11-25', options),
    startFixture('2026-07-28', options),
  ])
  return {
    '2025-11-25': old,
    '2026-07-28': modern,
    async [Symbol.asyncDispose]() {
      await Promise.all([old[Symbol.asyncDispose](), modern[Symbol.asyncDispose]()])
    },
  }
}

const entry = (upstream: Revision, fixtures: Fixtures): string[] => {
  const leg: Leg = { target: 'gateway', upstream, revision: upstream }
  const command = JSON.stringify(process.execPath)
  const args = JSON.stringify([FIXTURES[upstream], '--stdio'])
  return [
    `  ${serverName(leg)}: { url: ${JSON.stringify(fixtures[upstream].url)} }`,
    `  ${serverName({ ...leg, transport: 'stdio' })}: { command: ${command}, args: ${args} }`,
  ]
}

const configurationOf = (directory: string, fixtures: Fixtures): string =>
  [
    'listen: { host: 127.0.0.1, port: 0 }',
    `data: ${JSON.stringify(join(directory, 'data'))}`,
    'servers:',
    ...REVISIONS.flatMap((revision) => entry(revision, fixtures)),
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
