#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { systemWorld } from '#base'

const home = systemWorld.env('HOME') ?? systemWorld.env('USERPROFILE') ?? process.cwd()
// What was compiled once starts in half the time. In the home of the user: the common folder for
// temporary files is writable by others, and this is code.
enableCompileCache(join(systemWorld.env('XDG_CACHE_HOME') ?? join(home, '.cache'), 'countersign'))
const { run } = await import('./cli/run.ts')

process.exitCode = await run(process.argv.slice(2), {
  world: systemWorld,
  cwd: process.cwd(),
  home,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
})
