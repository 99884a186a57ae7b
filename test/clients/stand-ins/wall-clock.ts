import { structuredOf, textsOf, type Manners } from './manners.ts'

/**
 * Codex: 300 s of wall clock that nothing renews, then a cancel. Speaks 2025-06-18. Its model gets
 * structured content instead of the text wherever there is some, and no mark on an error.
 */
export const wallClock: Manners = {
  clientInfo: { name: 'codex-mcp-client', version: '0.169.0' },
  speaks: '2025-06-18',
  capabilities: { elicitation: {} },
  patience: { ms: 300_000, renewedBy: 'nothing' },
  givesUp: 'cancels',
  holdsToOutputSchema: false,
  shows: (result) => structuredOf(result) ?? textsOf(result).join('\n'),
}
