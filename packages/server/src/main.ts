#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { systemWorld } from '#base'

const home = systemWorld.env('HOME') ?? systemWorld.env('USERPROFILE')
const cache = systemWorld.env('XDG_CACHE_HOME') ?? (home && join(home, '.cache'))
// What was compiled once starts in half the time. Kept with the user: the common folder for temporary
// files is writable by others, and this is code.
if (cache) enableCompileCache(join(cache, 'countersign'))
const { run } = await import('./cli/run.ts')

// A reader that left, as `head` does, is no reason to stop serving, nor to end with a stack trace.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

process.exitCode = await run(process.argv.slice(2), {
  world: systemWorld,
  cwd: process.cwd(),
  home: home ?? process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
})
