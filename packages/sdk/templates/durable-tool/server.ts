import { parseArgs } from 'node:util'
import { serve } from '@countersign/sdk'
import { writePages } from './write-pages.ts'

const { port } = parseArgs({ options: { port: { type: 'string' } } }).values

const serving = await serve([writePages], {
  name: 'my-tools',
  version: '1.0.0',
  // Without a port: standard input and output, as most clients start their servers.
  ...(port === undefined ? {} : { http: { port: Number(port) } }),
})
if (serving.url) console.log(`Listening at ${serving.url.href}`)
