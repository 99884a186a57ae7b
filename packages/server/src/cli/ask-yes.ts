import { createInterface } from 'node:readline/promises'
import type { Io } from './io.ts'

/** Whether somebody sits there who can be asked. */
export const canBeAsked = ({ stdin, stdout }: Io): boolean =>
  stdin.isTTY === true && stdout.isTTY === true

/** Asks whoever is at the terminal; anything but a yes is a no. */
export async function askYes(io: Io, question: string): Promise<boolean> {
  const lines = createInterface({ input: io.stdin, output: io.stdout })
  try {
    return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `)).trim())
  } finally {
    lines.close()
  }
}
