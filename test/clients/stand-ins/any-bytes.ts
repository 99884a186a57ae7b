import { textsOf, type Manners } from './manners.ts'

/**
 * Gemini CLI: dies after 60 s in which no byte came, closes the connection and says nothing. Drops
 * structured content, dumps errors whole, and lets its model add an argument that no tool declares.
 */
export const anyBytes: Manners = {
  clientInfo: { name: 'gemini-cli-mcp-client', version: '0.61.0' },
  speaks: '2025-06-18',
  capabilities: { roots: { listChanged: true } },
  patience: { ms: 60_000, renewedBy: 'bytes' },
  givesUp: 'drops',
  adds: { wait_for_previous: true },
  holdsToOutputSchema: true,
  shows: (result) =>
    result.isError === true
      ? JSON.stringify({ error: JSON.stringify(result) })
      : `<untrusted_context>\n${textsOf(result).join('\n')}\n</untrusted_context>`,
}
