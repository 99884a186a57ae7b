/** `countersign serve` as a process, with the workshop behind it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT, startProgram } from '../e2e/run-quickstart.ts'
import { connect } from './stand-ins/stand-in.ts'
import { wallClock } from './stand-ins/wall-clock.ts'
import { openWorkshop, type Workshop } from './workshop.ts'

export interface Gateway extends AsyncDisposable {
  readonly url: string
  readonly workshop: Workshop
}

const MAIN = join(ROOT, 'packages/server/src/main.ts')

export async function openGateway(settings: object = {}): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-clients-'))
  await mkdir(join(folder, 'data'), { mode: 0o700 })
  const workshop = await openWorkshop()
  const config = join(folder, 'countersign.json')
  const servers = { workshop: workshop.server }
  const written = { data: join(folder, 'data'), servers, ...settings }
  await writeFile(config, JSON.stringify(written))
  const args = [MAIN, 'serve', '--config', config, '--port', '0', '--json']
  const program = startProgram(process.execPath, args)
  const close = async (): Promise<void> => {
    await workshop[Symbol.asyncDispose]()
    await program[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  try {
    const [, url = ''] = await program.until(/"event":"listening","url":"([^"]+)"/)
    // Programs take the list of tools once, at their start: it has to be whole by then.
    using first = await connect(wallClock, { url: new URL(url), speed: 1 })
    await first.call('workshop_look_up', { label: 'ready' })
    return { url, workshop, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}
