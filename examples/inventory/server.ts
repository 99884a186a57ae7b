/** `node server.ts <folder>`: the folder holds services.json, and gets inventory.json. */
import { join, resolve } from 'node:path'
import { serve } from '@countersign/sdk'
import { collectInventory, findItem } from './collect.ts'

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, '.countersign'))
const places = {
  catalogue: join(folder, 'services.json'),
  inventory: join(folder, 'inventory.json'),
}

await serve([collectInventory(places), findItem(places)], {
  name: 'inventory',
  version: '1.0.0',
  data: join(folder, 'tasks'),
})
