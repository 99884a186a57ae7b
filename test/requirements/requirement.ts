/** What one sentence of the protocol asks of us. */
export interface Requirement {
  readonly id: string
  /** The text's own keyword; SUITE: the official suite insists; REC: good practice, not normative. */
  readonly level: 'MUST' | 'MUSTN' | 'SHOULD' | 'SHOULDN' | 'MAY' | 'SUITE' | 'REC'
  readonly era: Era
  /** The requirement in our words; the text itself is at `source`. */
  readonly says: string
  /** Keys of `SOURCES`, each with a section or a file. */
  readonly source: string
  /** Whether it applies to what is built, or why it does not. */
  readonly scope: Scope
  /** Why no test cites it. Never for a MUST. */
  readonly unproven?: string
}

/**
 * Revisions it speaks of. O: the `initialize` era (O3 2025-03-26, O6 2025-06-18, O11 2025-11-25,
 * O6+ from 2025-06-18 on); N: 2026-07-28; B: both. ON: an old client before a new server; NO, NN alike.
 */
type Era = 'O' | 'O3' | 'O6+' | 'O11' | 'N' | 'B' | 'ON' | 'NO' | 'NN'

export const ONE_NODE =
  'what waits in the memory of a node stays with it: a conversation keeps to one node'
export const NO_QUESTIONS = 'the gateway asks no questions of its own yet'
export const FOR_SERVERS = 'binds servers with content of their own; a gateway passes it on'

type Scope = 'here' | typeof ONE_NODE | typeof NO_QUESTIONS | typeof FOR_SERVERS
