// Processes the run starts and must not leave behind.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A server that has not announced itself by then never will. */
const READY_MS = 30_000
/** How long one may take to leave when asked politely. */
const LEAVE_MS = 5_000
const TAIL_LINES = 20

export type Running = AsyncDisposable & { readonly url: string }

const living = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})
// A signal would end us without that last word.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

const leave = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const impatience = setTimeout(() => child.kill('SIGKILL'), LEAVE_MS)
  await gone
  clearTimeout(impatience)
}

const start = (args: readonly string[], verbose: boolean) => {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', verbose ? 'inherit' : 'pipe'],
  })
  living.add(child)
  child.once('exit', () => living.delete(child))
  if (child.stdout === null) throw new Error('A piped child has an output')
  return { child, output: child.stdout }
}

/** The last words of a stream; reading on keeps a talkative child from blocking. */
const tailOf = (stream: NodeJS.ReadableStream | null): string[] => {
  const lines: string[] = []
  if (stream === null) return lines
  createInterface({ input: stream }).on('line', (line) => {
    lines.push(line)
    if (lines.length > TAIL_LINES) lines.shift()
  })
  return lines
}

/** Starts a Node program and waits for the line in which it names its URL. */
export const launch = async (
  args: readonly string[],
  urlIn: (line: string) => string | undefined,
  { verbose }: { verbose: boolean },
): Promise<Running> => {
  const { child, output } = start(args, verbose)
  const complaints = tailOf(child.stderr)
  const fail = (what: string) => new Error([`${args[0]} ${what}`, ...complaints].join('\n  '))
  try {
    const url = await new Promise<string>((resolve, reject) => {
      const overdue = setTimeout(() => reject(fail('did not start in time')), READY_MS)
      child.once('close', (code) => reject(fail(`ended with ${code} before it listened`)))
      child.once('error', reject)
      createInterface({ input: output }).on('line', (line) => {
        const found = urlIn(line)
        if (found === undefined) return
        clearTimeout(overdue)
        resolve(found)
      })
    })
    return { url, [Symbol.asyncDispose]: () => leave(child) }
  } catch (error) {
    await leave(child)
    throw error
  }
}

/** Runs a Node program to its end and returns what it said, whatever its exit code. */
export const run = async (
  args: readonly string[],
  { verbose, limitMs }: { verbose: boolean; limitMs: number },
): Promise<string> => {
  const { child, output } = start(args, verbose)
  const complaints = tailOf(child.stderr)
  const words: string[] = []
  output.setEncoding('utf8').on('data', (chunk: string) => {
    words.push(chunk)
    if (verbose) process.stdout.write(chunk)
  })
  const overdue = setTimeout(() => child.kill('SIGKILL'), limitMs)
  await once(child, 'close')
  clearTimeout(overdue)
  return [...words, ...complaints].join('')
}
