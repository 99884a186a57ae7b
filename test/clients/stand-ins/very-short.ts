import { textsOf, type Manners } from './manners.ts'

/**
 * The OpenAI Agents SDK as it is by default: 5 s for everything, and then its own error, while the
 * request stays open. It names itself as the Python SDK below it does.
 */
export const veryShort: Manners = {
  clientInfo: { name: 'mcp', version: '0.1.0' },
  speaks: '2025-11-25',
  capabilities: {},
  patience: { ms: 5_000, renewedBy: 'nothing' },
  givesUp: 'forgets',
  holdsToOutputSchema: false,
  shows: (result) => textsOf(result).join('\n'),
}
