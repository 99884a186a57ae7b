import type { Ledger } from '#audit'
import type { World } from '#base'
import type { Gateway } from '#gateway'
import type { LivePolicy } from '#policy'
import { makeCatalog, type Catalog, type Change } from '#registry'
import { openCounted, type Records } from '#store'
import type { Log } from '#telemetry'
import type { Shelf } from './shelf.ts'

export interface CatalogPlan {
  readonly world: World
  readonly log: Log
  readonly shelf: Pick<Shelf, 'definitions'>
  readonly records: Records
  readonly isShared: boolean
  readonly ledger: Ledger
  readonly policy: LivePolicy | undefined
  /** Servers may be listed before there is a gateway. */
  readonly gateway: () => Gateway | undefined
  readonly watcher: {
    readonly onChange?: (server: string, changes: readonly Change[]) => void
    readonly onProblem?: (server: string, problem: string) => void
  }
}

/** The stored definitions, and who is told when one is not what it was. */
export async function openCatalog(plan: CatalogPlan): Promise<{
  readonly catalog: Catalog
  /** What other nodes changed of policies and definitions is known here when it resolves. */
  readonly upToDate: () => Promise<void>
  /** Ends to look for definitions that other nodes read. */
  readonly stopFollowing: () => void
}> {
  const { world, log, records, isShared } = plan
  const told = { stored: (): void => undefined }
  const catalog = catalogOf(plan, () => {
    told.stored()
  })
  if (!isShared) return { catalog, upToDate: async () => undefined, stopFollowing: () => undefined }
  const onProblem = (cause: unknown): void => {
    log.warn({ cause: String(cause) }, 'what other nodes listed cannot be read')
  }
  const following = { world, records, isShared, load: catalog.refresh, onProblem }
  const counted = await openCounted(following, KIND)
  told.stored = () => void counted.changed().catch(onProblem)
  const upToDate = async (): Promise<void> => {
    await counted.refresh()
    await plan.policy?.refresh()
  }
  return { catalog, upToDate, stopFollowing: counted.close }
}

const KIND = 'Catalog'

function catalogOf(plan: CatalogPlan, onStored: () => void): Catalog {
  const { world, log, shelf, ledger, policy, gateway, watcher } = plan
  return makeCatalog({
    world,
    store: shelf.definitions,
    onStored,
    // Whoever found it wrote it down.
    onElsewhere: (server, changes) => {
      policy?.forget()
      gateway()?.onChange(server, changes)
    },
    onChange: (server, changes) => {
      log.warn({ server, changes: changes.length }, 'definitions changed')
      watcher.onChange?.(server, changes)
      policy?.forget()
      gateway()?.onChange(server, changes)
      noteChanges(ledger, 'definitions.changed', server, changes)
    },
    onReplaced: (server) => {
      log.warn({ server }, 'another server under this name: its definitions are read anew')
      void ledger.note('server.changed', { server })
    },
    onFirst: (server, changes) => {
      gateway()?.onChange(server, changes)
      noteChanges(ledger, 'definitions.admitted', server, changes)
    },
    onProblem: (server, problem) => {
      log.warn({ server, problem }, 'a definition is not as it should be')
      watcher.onProblem?.(server, problem)
    },
  })
}

/** The most changes that one entry tells one by one. */
const CHANGES_MAX = 100

function noteChanges(
  ledger: Ledger,
  kind: 'definitions.admitted' | 'definitions.changed',
  server: string,
  changes: readonly Change[],
): void {
  const told = changes.slice(0, CHANGES_MAX).map((one) => ({ ...one }))
  void ledger.note(kind, { server, count: changes.length, changes: told })
}
