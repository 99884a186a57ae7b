import { structuredOf, textsOf, type Manners } from './manners.ts'

/**
 * Claude Code: asks with `server/discover` first and stays modern where that is answered. Answers
 * questions by a further round, has no tasks. 60 s without a byte end a call.
 */
export const probingModern: Manners = {
  clientInfo: { name: 'claude-code', version: '2.1.330' },
  speaks: 'modern',
  capabilities: { roots: {}, elicitation: { form: {}, url: {} } },
  patience: { ms: 60_000, renewedBy: 'bytes' },
  givesUp: 'drops',
  holdsToOutputSchema: true,
  shows: (result) =>
    result.isError === true
      ? textsOf(result).join('\n')
      : (structuredOf(result) ?? textsOf(result).join('\n')),
}
