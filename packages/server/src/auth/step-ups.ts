import type { World } from '#base'
import type { Records } from '#store'

const KIND = 'StepUp'
/** A client that is told that it needs more comes back at once. */
const PENDING_MS = 30_000

/**
 * Grants that were just told to come back with more scopes. SDK v1 answers that by refreshing its
 * token, which changes nothing, and then gives up; only a refresh that fails on our side makes it
 * ask its person (docs/protocol.md, "Where clients and the specification disagree").
 */
export interface StepUps {
  readonly ask: (grantId: string) => Promise<void>
  /** Whether this grant was asked a moment ago. True once. */
  readonly take: (grantId: string) => Promise<boolean>
}

export const stepUps = (world: World, records: Records): StepUps => ({
  ask: (grantId) =>
    records.put(KIND, grantId, {}, { until: world.now() + PENDING_MS, group: grantId }),
  take: (grantId) => records.use(KIND, grantId),
})
