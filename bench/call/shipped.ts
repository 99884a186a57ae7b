import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Builds the program as it is published and returns its main file: what users run is JavaScript, and
 * Node's type stripper alone would be a sixth of the memory.
 */
export function buildShipped(root: string): string {
  execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'pipe' })
  const build = join(root, 'build')
  const scope = join(build, 'node_modules', '@countersign')
  rmSync(scope, { recursive: true, force: true })
  mkdirSync(scope, { recursive: true })
  // The packages of one build find each other; everything else is found further up.
  for (const name of ['contract', 'engine'])
    symlinkSync(join(build, name), join(scope, name), 'dir')
  return join(build, 'countersign', 'dist', 'main.js')
}
