#!/usr/bin/env node
import { systemWorld } from '#base'
import { run } from './cli/run.ts'

process.exitCode = await run(process.argv.slice(2), {
  world: systemWorld,
  cwd: process.cwd(),
  home: systemWorld.env('HOME') ?? systemWorld.env('USERPROFILE') ?? process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
})
