import { Fault } from '@countersign/contract'
import { textOption, type Parsed } from '../command.ts'

/** The one webhook that a command is about. */
export function named({ positionals: [name, stray] }: Parsed, part: string): string {
  if (name === undefined) throw new Fault('rpc/bad-params', `say which: webhooks ${part} NAME`)
  if (stray !== undefined) throw new Fault('rpc/bad-params', `"${stray}" means nothing here.`)
  return name
}

/** The place of one dead letter. */
export function eventOf(parsed: Parsed): { readonly event?: number } {
  const text = textOption(parsed, 'event')
  if (text === undefined) return {}
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new Fault('rpc/bad-params', '--event is a whole number.')
  return { event: Number(text) }
}

export const EVENT_OPTION = { event: { type: 'string' } } as const
