import { makeRedaction } from './make-redaction.ts'
import { noRedaction, type Redaction } from './redaction.ts'
import type { RedactionSettings } from './settings.ts'

/** What it takes to look is loaded only where something is looked for. */
export async function openRedaction(settings: RedactionSettings | undefined): Promise<Redaction> {
  if (!settings) return noRedaction
  const [secrets, personal] = await Promise.all([
    import('./secrets.ts').then(({ loadSecrets }) => loadSecrets()),
    import('./personal.ts').then(({ loadPersonal }) => loadPersonal()),
  ])
  return makeRedaction(settings, { secrets, personal })
}
