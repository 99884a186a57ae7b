// A house that tells what happens.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemWorld } from '#base'
import { parseConfig } from '#config'
import { silentLog, type Log } from '#telemetry'
import { openHouse, type House } from '../../src/server.ts'

export interface Plan {
  readonly servers: Readonly<Record<string, object>>
  readonly telemetry?: object
  readonly more?: object
  readonly data?: string
  readonly log?: Log
  readonly env?: Readonly<Record<string, string>>
}

export interface ToldHouse extends AsyncDisposable {
  readonly house: House
  readonly port: number
  readonly folder: string
  readonly at: (view?: string) => URL
  /** Ends it, so that everything has been told. */
  readonly stop: () => Promise<void>
}

export async function openToldHouse(plan: Plan): Promise<ToldHouse> {
  const folder = plan.data ?? mkdtempSync(join(tmpdir(), 'countersign-told-'))
  const env = (name: string): string | undefined => plan.env?.[name] ?? systemWorld.env(name)
  const world = { ...systemWorld, env }
  const { servers, telemetry, more = {}, log = silentLog } = plan
  const written = { listen: { port: 0 }, data: folder, servers, ...more, telemetry }
  const text = JSON.stringify(written)
  const config = parseConfig({ world, text, path: join(folder, 'countersign.json') })
  const house = await openHouse(config, { world, log })
  const alive = setInterval(() => undefined, 60_000)
  const { port } = await house.listen()
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    stopped ??= Promise.resolve(house[Symbol.asyncDispose]())
    await stopped
  }
  return {
    house,
    port,
    folder,
    stop,
    at: (view = '') =>
      new URL(`http://127.0.0.1:${String(port)}/mcp${view === '' ? '' : `/${view}`}`),
    async [Symbol.asyncDispose]() {
      await stop().finally(() => {
        clearInterval(alive)
        if (plan.data === undefined) rmSync(folder, { recursive: true, force: true })
      })
    },
  }
}
