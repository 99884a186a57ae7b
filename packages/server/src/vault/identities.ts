import { Secret } from '#base'
import type { Cabinet } from './cabinet.ts'
import type { Identities } from './settings.ts'

/** ID tokens of people who signed in through the company's provider, sealed, each until it ends. */
export const keptIdentities = ({ secrets }: Cabinet): Identities => ({
  of: async (who) => {
    const kept = await secrets.get('Identity', who.id)
    const token = kept?.['idToken']
    return typeof token === 'string' ? new Secret(token) : undefined
  },
  keep: (principal, idToken, until) =>
    secrets.put('Identity', principal, { idToken: idToken.reveal() }, { until }),
})
