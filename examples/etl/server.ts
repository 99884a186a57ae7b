/** An MCP server over stdio that loads CSV files of orders into Parquet files, and sums those up. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { serve } from '@countersign/sdk'
import { loadOrders } from './load-orders.ts'
import { summariseOrders } from './summarise-orders.ts'

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: join(import.meta.dirname, '.countersign/files') },
    data: { type: 'string', default: join(import.meta.dirname, '.countersign') },
  },
})
const { folder } = values
const scratch = join(values.data, 'parts')
mkdirSync(scratch, { recursive: true })
const log = (line: string): void => void process.stderr.write(`${line}\n`)
await serve([loadOrders({ folder, scratch, log }), summariseOrders(folder)], {
  name: 'orders',
  version: '0.1.0',
  data: join(values.data, 'tasks'),
})
