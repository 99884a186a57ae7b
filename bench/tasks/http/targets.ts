import { PLAIN } from './plain.ts'
import type { HttpTarget } from './target.ts'

/** Another server to measure is one file beside `plain.ts`, and one name here. */
export const HTTP_TARGETS: readonly HttpTarget[] = [...PLAIN]
