/** `node server.ts <folder>`: the folder is that of a running host, see host.ts. */
import { join, resolve } from 'node:path'
import { serve } from '@countersign/sdk'
import { rollOut } from './roll-out.ts'

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, '.countersign'))

await serve([rollOut(folder)], {
  name: 'deployment',
  version: '1.0.0',
  data: join(folder, 'tasks'),
})
