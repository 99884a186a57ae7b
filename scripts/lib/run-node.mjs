/** Runs one Node program in this folder, and everything it started ends with it. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findNode, ourEnv, ROOT, say } from './machine.mjs'

const isWindows = process.platform === 'win32'

function endAll(child) {
  try {
    // The group: test files are processes of their own, and they start servers.
    if (isWindows) child.kill()
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Gone already, which is what was wanted.
  }
}

/**
 * Resolves with the exit code; 1 when it had to be ended. A signal to us ends it as well. `hear` gets
 * what it prints, which is shown all the same.
 */
export function runNode(args, { limitMs, hear }) {
  // A test file is a process, and so is each server it starts: types are stripped once for all.
  const compiled = mkdtempSync(join(tmpdir(), 'countersign-compiled-'))
  return new Promise((resolve) => {
    const child = spawn(findNode(), args, {
      cwd: ROOT,
      env: { NODE_COMPILE_CACHE: compiled, ...ourEnv() },
      stdio: ['inherit', hear ? 'pipe' : 'inherit', 'inherit'],
      detached: !isWindows,
    })
    child.stdout?.setEncoding('utf8').on('data', hear).pipe(process.stdout, { end: false })
    const late = setTimeout(() => {
      say(`Ended after ${limitMs / 1000} s: ${args.slice(0, 4).join(' ')} …`)
      endAll(child)
    }, limitMs)
    const end = () => {
      endAll(child)
      rmSync(compiled, { recursive: true, force: true, maxRetries: 3 })
    }
    const interrupted = (signal) => {
      end()
      process.exit(signal === 'SIGINT' ? 130 : 143)
    }
    process.on('SIGINT', interrupted).on('SIGTERM', interrupted)
    child.once('exit', (code) => {
      clearTimeout(late)
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
      end()
      resolve(code ?? 1)
    })
  })
}
