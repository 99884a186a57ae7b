// The cabinet, which says nothing until a file is there: a server that takes its time to start.

import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

const [gate = ''] = process.argv.slice(-2, -1)
while (!existsSync(gate)) await wait(5)
await import('./cabinet.ts')
