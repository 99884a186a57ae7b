import { canonical, type Json } from '@countersign/contract'
import { digestOf } from '#base'
import type { ProcessSpec, Transport } from '#upstream'

/**
 * What decides whether stored definitions belong to a configured server: which program or address it
 * is. Not what it is given: a token that rotates must not make a changed definition look new, and
 * this is stored, so nothing can be guessed from it that stands in the environment or a header.
 */
export function fingerprintOf(transport: Transport): string {
  const { kind } = transport
  if (kind === 'stdio') return digestOf(canonical({ kind, ...programOf(transport.process) }))
  const { origin, pathname } = new URL(transport.url)
  const program = kind === 'http' && transport.process ? programOf(transport.process) : {}
  return digestOf(canonical({ kind, url: `${origin}${pathname}`, ...program }))
}

const programOf = ({ command, args, cwd }: ProcessSpec): Readonly<Record<string, Json>> => ({
  command,
  args: [...args],
  ...(cwd === undefined ? {} : { cwd }),
})
