// Starts several children as the house does, says so, and waits to be killed.

import { systemWorld } from '#base'
import { startKeeper } from '#upstream'
import { LastLines } from '../../../src/upstream/last-lines.ts'
import { startChild } from '../../../src/upstream/start-child.ts'

const [port = ''] = process.argv.slice(2)
const script = new URL('./keeper-child.ts', import.meta.url).pathname
const keeper = startKeeper(systemWorld)
for (const manner of ['polite', 'stubborn', 'forking']) {
  const child = { command: process.execPath, args: [script, port, manner], env: {} }
  startChild({ world: systemWorld, keeper }, child, new LastLines())
}
