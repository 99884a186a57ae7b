import { structuredOf, textsOf, type Manners } from './manners.ts'

/**
 * opencode: 60 s that only progress renews. Cancels every request, also the answered ones. Shows
 * the text where there is some, and an error in its place when promised structured content is missing.
 */
export const progressReset: Manners = {
  clientInfo: { name: 'opencode', version: '1.18.33' },
  speaks: '2025-11-25',
  capabilities: { roots: {} },
  patience: { ms: 60_000, renewedBy: 'progress' },
  givesUp: 'cancels',
  cancelsWhatIsDone: true,
  holdsToOutputSchema: true,
  shows: (result) => textsOf(result).join('\n\n') || (structuredOf(result) ?? ''),
}

/** Copilot CLI in the old era: the same with 180 s. Shows the text and the structured content. */
export const slowProgressReset: Manners = {
  clientInfo: { name: 'copilot-cli', version: '1.0.102' },
  speaks: '2025-11-25',
  capabilities: { elicitation: { form: {}, url: {} }, sampling: {} },
  patience: { ms: 180_000, renewedBy: 'progress' },
  givesUp: 'cancels',
  holdsToOutputSchema: false,
  shows: (result) =>
    [textsOf(result).join(''), structuredOf(result)]
      .filter((part) => part !== undefined)
      .join('\n\n'),
}
