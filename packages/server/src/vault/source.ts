import { text } from 'node:stream/consumers'
import { Fault } from '@countersign/contract'
import { readText, type World } from '#base'
import type { Source } from './settings.ts'

/** A program that does not answer by then will not. */
const COMMAND_MS = 15_000

/** What stands there now, without the white space around it. What it is is never part of a message. */
export async function readSource(world: World, source: Source): Promise<string> {
  if ('env' in source) return world.env(source.env)?.trim() ?? ''
  if ('command' in source) return (await outputOf(world, source.command)).trim()
  try {
    return readText(source.file).trim()
  } catch (cause) {
    throw new Fault('config/invalid', `${source.file} cannot be read.`, { cause })
  }
}

export function nameOf(source: Source): string {
  if ('env' in source) return `The variable ${source.env}`
  return 'file' in source ? source.file : `The command ${source.command[0] ?? ''}`
}

async function outputOf(world: World, command: readonly string[]): Promise<string> {
  const [program = '', ...args] = command
  const names = ['PATH', 'HOME']
  const env = Object.fromEntries(
    names.flatMap((name) => {
      const value = world.env(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
  const child = world.spawn({ command: program, args, env })
  child.stdin.end()
  const stop = world.after(COMMAND_MS, () => {
    child.kill('SIGKILL')
  })
  try {
    const failed = new Promise<never>((_, reject) => {
      child.once('error', reject)
    })
    return await Promise.race([text(child.stdout), failed])
  } catch (cause) {
    throw new Fault('config/invalid', `${program} did not run.`, { cause })
  } finally {
    stop()
  }
}
