// A vault over a real store, with a clock that tests can move.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '@countersign/contract'
import type { Person, Principal } from '#auth'
import { makeSeal, systemWorld, type World } from '#base'
import { openStore, RECORD_TABLES, storeRecords, type Records } from '#store'
import { silentLog } from '#telemetry'
import {
  makeVault,
  ownClientAt,
  type OpenVault,
  type ProtectedServer,
  type ServerAuth,
  type VaultRooms,
} from '#vault'

export interface TestVault extends AsyncDisposable {
  readonly vault: OpenVault
  readonly records: Records
  readonly noted: { readonly kind: string; readonly body: JsonObject }[]
  /** Moves the clock. */
  readonly pass: (ms: number) => void
  /** Another vault over the same store: another node. */
  readonly another: () => OpenVault
  readonly folder: string
}

interface Plan {
  readonly servers: Readonly<Record<string, ProtectedServer>>
  readonly origin?: string
  readonly rooms?: Partial<VaultRooms>
}

export function openVault({ servers, origin = 'http://127.0.0.1:1', rooms }: Plan): TestVault {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-vault-'))
  let late = 0
  const world: World = { ...systemWorld, now: () => Date.now() + late }
  const store = openStore(join(folder, 'vault.db'), [RECORD_TABLES])
  const records = storeRecords(world, store)
  const noted: { kind: string; body: JsonObject }[] = []
  const master = makeSeal(world, [randomBytes(32)])
  const made: OpenVault[] = []
  const another = (): OpenVault => {
    const ledger = {
      note: async (kind: string, body: JsonObject) => {
        noted.push({ kind, body })
      },
    }
    const own = () => ownClientAt(origin)
    const all = { world, log: silentLog, records, ledger, master, own, ...rooms }
    const vault = makeVault(all, new Map(Object.entries(servers)))
    made.push(vault)
    return vault
  }
  const vault = another()
  return {
    vault,
    records,
    noted,
    folder,
    another,
    pass: (ms) => {
      late += ms
    },
    async [Symbol.asyncDispose]() {
      for (const one of made) await one.close()
      store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const somebody = (id: string): Principal => ({
  id,
  proof: 'bearer',
  issuer: 'https://idp.example',
  subject: id,
  scopes: [],
  actors: [],
  tokenId: `token of ${id}`,
  expiresAt: Number.MAX_SAFE_INTEGER,
  stepUp: 'tool',
})

export const person = (principal: string): Person => ({
  principal,
  name: principal,
  means: 'password',
  provedAt: 0,
})

/** One server that each connects for themselves. */
export const PERSONAL: ServerAuth = { per: 'principal', grant: 'authorization_code' }

/** Connects an account of `who` from begin to end. */
export async function connect(
  vault: OpenVault,
  authority: { readonly consent: (url: string) => Promise<URLSearchParams> },
  who: Principal,
  scopes: readonly string[] = [],
): Promise<string> {
  const begun = await vault.connecting.begin('behind', who, { scopes })
  if (!begun) throw new Error('nothing was begun')
  const url = await vault.connecting.authorize(begun.id, person(who.id))
  await vault.connecting.finish(await authority.consent(url), person(who.id))
  return url
}
