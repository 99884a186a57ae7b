/** The measured clients, by what they differ in. */
import { anyBytes } from './any-bytes.ts'
import type { Manners } from './manners.ts'
import { probingModern } from './probing-modern.ts'
import { progressReset, slowProgressReset } from './progress-reset.ts'
import { veryShort } from './very-short.ts'
import { wallClock } from './wall-clock.ts'

/** A minute in three seconds. */
export const SPEED = 20
/** For whom a second decides: slow enough that this machine is never the one who is late. */
const SHORT_SPEED = 2

interface Row {
  readonly manners: Manners
  readonly speed: number
}

export const STAND_INS: Readonly<Record<string, Row>> = {
  'wall clock (Codex)': { manners: wallClock, speed: SPEED },
  'progress reset (opencode)': { manners: progressReset, speed: SPEED },
  'slow progress reset (Copilot CLI)': { manners: slowProgressReset, speed: SPEED },
  'any bytes (Gemini CLI)': { manners: anyBytes, speed: SPEED },
  'very short (Agents SDK)': { manners: veryShort, speed: SHORT_SPEED },
  'probing modern (Claude Code)': { manners: probingModern, speed: SPEED },
}
