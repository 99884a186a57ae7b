/**
 * One order: three calls to three systems through the gateway, as one run.
 * `node place-order.ts <order> [gateway's URL]` places one and says how it is taken back.
 */
import { randomUUID } from 'node:crypto'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { z } from 'zod'

/** The key in `_meta` by which the gateway knows which calls belong together. */
const RUN = 'dev.countersign/run'
const REVISION = '2026-07-28'
const GATEWAY = 'http://127.0.0.1:7420/mcp'

export interface Order {
  readonly order: string
  readonly item: string
  readonly count: number
  readonly cents: number
  readonly address: string
}

export interface Placed {
  readonly reservation: number
  readonly charge: number
  readonly shipment: number
}

/** @throws Error when a system says no; what was done before that stays until the run is undone. */
export async function placeOrder(gateway: URL, order: Order, run: string): Promise<Placed> {
  const client = new Client(
    { name: 'place-order', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: REVISION } } },
  )
  await client.connect(new StreamableHTTPClientTransport(gateway))
  const call = async (name: string, args: Record<string, unknown>): Promise<unknown> => {
    const result = await client.callTool({ name, arguments: args, _meta: { [RUN]: run } })
    if (result.isError === true) throw new Error(`${name}: ${JSON.stringify(result.content)}`)
    return result.structuredContent
  }
  try {
    const { order: id, item, count, cents, address } = order
    const { reservation } = z
      .object({ reservation: z.int() })
      .parse(await call('stock_reserve', { order: id, item, count }))
    const { charge } = z
      .object({ charge: z.int() })
      .parse(await call('ledger_charge', { order: id, cents }))
    const { shipment } = z
      .object({ shipment: z.int() })
      .parse(await call('shipping_book', { order: id, address, reservation, charge }))
    return { reservation, charge, shipment }
  } finally {
    await client.close()
  }
}

if (import.meta.main) {
  const [order = 'order-1', gateway = GATEWAY] = process.argv.slice(2)
  const run = randomUUID()
  process.stdout.write(`run ${run}\n`)
  const placed = await placeOrder(
    new URL(gateway),
    { order, item: 'kettle', count: 2, cents: 4_980, address: '1 Main Street' },
    run,
  )
  process.stdout.write(`placed ${JSON.stringify(placed)}\n`)
  const config = 'examples/cross-system/countersign.yaml'
  process.stdout.write(`taken back by: npx countersign tasks undo ${run} --config ${config}\n`)
}
