import type { Ledger } from '#audit'
import type { World } from '#base'
import type { Config } from '#config'
import type { Gateway } from '#gateway'
import type { LivePolicy } from '#policy'
import { makeCatalog, makeRules, type Catalog, type Change } from '#registry'
import type { Store } from '#store'
import type { Log } from '#telemetry'

export interface CatalogPlan {
  readonly world: World
  readonly log: Log
  readonly store: Store
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
export function openCatalog({ rules }: Config, plan: CatalogPlan): Catalog {
  const { world, log, store, ledger, policy, gateway, watcher } = plan
  return makeCatalog({
    world,
    store,
    rules: makeRules(rules),
    onChange: (server, changes) => {
      log.warn({ server, changes: changes.length }, 'definitions changed')
      watcher.onChange?.(server, changes)
      policy?.forget()
      gateway()?.onChange(server, changes)
      noteChanges(ledger, server, changes)
    },
    onReplaced: (server) => {
      log.warn({ server }, 'another server under this name: its definitions are read anew')
      void ledger.note('server.changed', { server })
    },
    onFirst: (server, changes) => gateway()?.onChange(server, changes),
    onProblem: (server, problem) => {
      log.warn({ server, problem }, 'a definition is not as it should be')
      watcher.onProblem?.(server, problem)
    },
  })
}

/** The most changes that one entry tells one by one. */
const CHANGES_MAX = 100

function noteChanges(ledger: Ledger, server: string, changes: readonly Change[]): void {
  const told = changes.slice(0, CHANGES_MAX).map((one) => ({ ...one }))
  void ledger.note('definitions.changed', { server, count: changes.length, changes: told })
}
