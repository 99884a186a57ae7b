/** The measured clients, by what they differ in. */
import { anyBytes } from './any-bytes.ts'
import type { Manners } from './manners.ts'
import { probingModern } from './probing-modern.ts'
import { progressReset, slowProgressReset } from './progress-reset.ts'
import { veryShort } from './very-short.ts'
import { wallClock } from './wall-clock.ts'

export const STAND_INS: Readonly<Record<string, Manners>> = {
  'wall clock (Codex)': wallClock,
  'progress reset (opencode)': progressReset,
  'slow progress reset (Copilot CLI)': slowProgressReset,
  'any bytes (Gemini CLI)': anyBytes,
  'very short (Agents SDK)': veryShort,
  'probing modern (Claude Code)': probingModern,
}
