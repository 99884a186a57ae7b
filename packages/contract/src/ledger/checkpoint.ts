/** What a ledger says of itself at one moment (C2SP tlog-checkpoint). */
import { fromBase64, toBase64 } from './base64.ts'
import type { TreeHead } from './merkle.ts'

const ROOT_BYTES = 32

export interface Checkpoint extends TreeHead {
  /** Which ledger it is of: a name without scheme, such as `countersign.example/ledger`. */
  readonly origin: string
}

/** The text that is signed. */
export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${String(size)}\n${toBase64(root)}\n`

/** What can be the name of a ledger. */
export const isOneLine = (text: string): boolean =>
  text !== '' && text.length <= ORIGIN_CHARS_MAX && !/\p{Cc}/u.test(text)

const ORIGIN_CHARS_MAX = 500

/** Reads the text of a checkpoint; lines after the third are allowed and mean nothing here. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const [origin = '', digits = '', encoded = ''] = text.split('\n')
  const root = fromBase64(encoded)
  const size = Number(digits)
  if (!isOneLine(origin) || !/^(?:0|[1-9]\d{0,15})$/.test(digits) || !Number.isSafeInteger(size)) {
    return undefined
  }
  return root?.length === ROOT_BYTES ? { origin, size, root } : undefined
}
