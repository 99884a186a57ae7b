// A command line run in this process, with what it printed.

import { PassThrough } from 'node:stream'
import { systemWorld, type World } from '#base'
import { run } from '../../src/cli/run.ts'

export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

export const countersign = (cwd: string, ...argv: readonly string[]): Promise<Said> =>
  countersignIn(systemWorld, cwd, ...argv)

/** In a world of one's own, with its own environment for example. */
export async function countersignIn(
  world: World,
  cwd: string,
  ...argv: readonly string[]
): Promise<Said> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const said = { out: '', err: '' }
  stdout.setEncoding('utf8').on('data', (text: string) => void (said.out += text))
  stderr.setEncoding('utf8').on('data', (text: string) => void (said.err += text))
  const code = await run(argv, {
    world,
    cwd,
    home: cwd,
    stdin: new PassThrough(),
    stdout,
    stderr,
  })
  stdout.end()
  stderr.end()
  await new Promise(setImmediate)
  return { code, ...said }
}
