import { checkOutcome, INPUT, takeStep, type Place, type Subject } from '../work.ts'
import { loadPeer } from './load-peer.ts'

/** What is used of `@dbos-inc/dbos-sdk`, which is not installed when this is compiled. */
interface Sdk {
  readonly DBOS: {
    registerWorkflow<Input, Value>(
      body: (input: Input) => Promise<Value>,
      config: { readonly name: string },
    ): (input: Input) => Promise<Value>
    runStep<Value>(body: () => Promise<Value>, config: { readonly name: string }): Promise<Value>
    setConfig(config: object): void
    launch(): Promise<void>
    shutdown(): Promise<void>
  }
}
interface Pg {
  readonly Pool: new (options: object) => { end(): Promise<void> }
}

/** Twice its default of 10. */
const CONNECTIONS = 20
const quiet = { info: ignore, debug: ignore, warn: ignore, error: console.error }

function ignore(): void {
  // What it says of itself is not measured.
}

export async function openDbos({ peers, postgres }: Place): Promise<Subject> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { DBOS } = loadPeer(peers, '@dbos-inc/dbos-sdk') as Sdk
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { Pool } = loadPeer(peers, 'pg') as Pg
  const work = DBOS.registerWorkflow(
    async (_input: typeof INPUT) => {
      await DBOS.runStep(takeStep, { name: 'one' })
      return await DBOS.runStep(takeStep, { name: 'two' })
    },
    { name: 'two steps' },
  )
  // A pool, because its own takes no address of a socket.
  const pool = new Pool({ connectionString: postgres, max: CONNECTIONS })
  DBOS.setConfig({
    name: 'bench',
    systemDatabasePool: pool,
    enableOTLP: false,
    logger: quiet,
  })
  await DBOS.launch()
  return {
    once: async () => checkOutcome(await work(INPUT)),
    close: async () => {
      await DBOS.shutdown()
      await pool.end()
    },
  }
}
