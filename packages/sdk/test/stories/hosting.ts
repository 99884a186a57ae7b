/** A server of durable tools at hand over either transport, and what its tools did. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serve } from '../../src/index.ts'
import { durableTools, WHO } from './durable-tools.ts'
import type { Where } from '../../../../test/peers/task-peers.ts'

export const PROGRAM = fileURLToPath(new URL('durable-tools.ts', import.meta.url))
export const TRANSPORTS = ['http', 'stdio'] as const

export interface Host extends AsyncDisposable {
  readonly where: Where
  readonly seen: () => readonly string[]
}

export async function hosting(transport: (typeof TRANSPORTS)[number]): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-durable-'))
  const seen: string[] = []
  const witness = join(folder, 'witness')
  const data = join(folder, 'data')
  const options = { ...WHO, data, pollMs: 50, onError: () => undefined }
  const serving =
    transport === 'http'
      ? await serve(durableTools({ saw: (what) => seen.push(what) }), {
          ...options,
          http: { port: 0 },
        })
      : undefined
  return {
    where: serving?.url ?? {
      command: process.execPath,
      args: [PROGRAM, '--data', data, '--witness', witness],
    },
    seen: () => (serving ? seen : readFileSync(witness, 'utf8').trim().split('\n')),
    [Symbol.asyncDispose]: async () => {
      await serving?.close()
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}
