import { makeSafeFetch, type Resolve } from '#auth'
import type { Seal, World } from '#base'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import { makeCabinet, type Credential } from './cabinet.ts'
import { makeConnect, type Connect } from './connect.ts'
import { makeConnections, type Connections } from './connections.ts'
import { current, ownerOf } from './current.ts'
import { makeEars } from './heard.ts'
import { keptIdentities } from './identities.ts'
import { noteInto, type Note } from './notes.ts'
import { makeOwnKey, type OwnKey } from './own-client.ts'
import { present, type Showings } from './present.ts'
import { makeProvers } from './proofs.ts'
import { makeRefused } from './refused.ts'
import { makeRegistrar } from './registration.ts'
import { makeRenewing } from './renew.ts'
import { makeRounds, type Known } from './round.ts'
import type { Identities, OwnClient, ProtectedServer } from './settings.ts'
import { makeSingleFlight } from './single-flight.ts'
import type { Vault } from './vault.ts'

export interface VaultRooms {
  readonly world: World
  readonly log: Log
  readonly records: Records
  readonly ledger: Parameters<typeof noteInto>[0]
  /** Of `openMaster`. */
  readonly master: Seal
  /** Who we are to others: asked for when somebody connects, as the port is known only then. */
  readonly own: () => OwnClient
  readonly identities?: Identities
  /** As `dns.lookup`; tests bring their own. */
  readonly resolve?: Resolve
}

/** The vault, and the ways in and out of it. */
export interface OpenVault extends Vault, Connections {
  readonly connecting: Connect
  /** The public key that our documents point to. */
  readonly ownKey: OwnKey
  /** Who people are to the company: statements that are exchanged for tokens. */
  readonly identities: Identities
  readonly close: () => Promise<void>
}

export function makeVault(
  rooms: VaultRooms,
  servers: ReadonlyMap<string, ProtectedServer>,
): OpenVault {
  const { world, log, records, master, own } = rooms
  const safeFetch = makeSafeFetch(world, rooms.resolve)
  const cabinet = makeCabinet(world, records, master)
  const identities = rooms.identities ?? keptIdentities(cabinet)
  const ears = makeEars(() => world.now(), records)
  const ownKey = makeOwnKey(cabinet)
  const registrar = makeRegistrar({ world, cabinet, ownKey, own })
  const rounds = makeRounds({ safeFetch, ears, registrar })
  const provers = makeProvers()
  const note: Note = noteInto(rooms.ledger)
  const renewing = makeRenewing({
    world,
    log,
    cabinet,
    rounds,
    registrar,
    provers,
    identities,
    note,
  })
  const flights = makeSingleFlight<Credential>(world, records)
  const showings: Showings = new WeakMap()
  const known = (id: string): Known => {
    const server = servers.get(id)
    if (!server) throw new Error(`no protected server ${id}`)
    return { id, ...server }
  }
  const has = (id: string): boolean => servers.has(id)
  const holding = { world, log, cabinet, renewing, flights }

  return {
    show: async (id, who, request) => {
      const server = known(id)
      const owner = ownerOf(server, who)
      const credential = await current(holding, server, who, owner)
      const { shown, showing } = await present(provers, server, credential, request)
      showings.set(shown, showing)
      return shown
    },
    refused: makeRefused({ ...holding, ears, rounds, note, showings }),
    heardNonce: (shown, nonce) => {
      const { prover, url } = showings.get(shown) ?? {}
      if (url !== undefined) prover?.rememberNonce(url, nonce)
    },
    connecting: makeConnect({ world, log, cabinet, rounds, provers, note, own, known, has }),
    ...makeConnections({ log, cabinet, rounds, ears, note, known, has }),
    ownKey,
    identities,
    close: () => safeFetch.close(),
  }
}
