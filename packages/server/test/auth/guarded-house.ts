// The whole house behind an issuer, over real HTTP.

import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import type { OutgoingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calculateJwkThumbprint, SignJWT } from 'jose'
import { systemWorld, type World } from '#base'
import { parseConfig } from '#config'
import { silentLog } from '#telemetry'
import { openHouse, type House, type HouseRooms } from '../../src/server.ts'
import { overStdio } from '../stories/house.ts'
import { ask, modern, type Answer, type Ask } from '../stories/raw.ts'
import { seconds, type SigningKey } from './fake-issuer.ts'

type Loose = Readonly<Record<string, unknown>>

export interface GuardedPlan {
  readonly auth: Loose
  readonly servers?: Readonly<Record<string, Loose>>
  readonly listen?: Loose
  readonly tasks?: Loose
  readonly policy?: Loose
  /** A folder that outlives the house. */
  readonly data?: string
  readonly world?: World
  readonly openPeople?: HouseRooms['openPeople']
}

export interface GuardedHouse extends AsyncDisposable {
  readonly house: House
  readonly port: number
  /** The canonical URL of a view, which is the audience of its tokens. */
  readonly at: (view?: string) => URL
  readonly audience: (view?: string) => string
}

/** One server whose tools are of every class: `echo` reads, `seen` writes, the rest may destroy. */
export const PEER = {
  ...overStdio('newPeer'),
  tools: { echo: { effect: 'read' }, seen: { effect: 'write' } },
}

export async function openGuarded(plan: GuardedPlan): Promise<GuardedHouse> {
  const { auth, servers = { peer: PEER }, tasks = {}, world = systemWorld } = plan
  const folder = plan.data ?? mkdtempSync(join(tmpdir(), 'countersign-auth-'))
  const listen = { port: 0, ...plan.listen }
  const text = JSON.stringify({ listen, data: folder, servers, tasks, auth, policy: plan.policy })
  const path = join(folder, 'countersign.json')
  const house = await openHouse(parseConfig({ world, text, path }), {
    world,
    log: silentLog,
    ...(plan.openPeople ? { openPeople: plan.openPeople } : {}),
  })
  const alive = setInterval(() => undefined, 60_000)
  const { port } = await house.listen()
  const audience = (view = ''): string =>
    `http://127.0.0.1:${port}/mcp${view === '' ? '' : `/${view}`}`
  return {
    house,
    port,
    audience,
    at: (view) => new URL(audience(view)),
    async [Symbol.asyncDispose]() {
      try {
        await house[Symbol.asyncDispose]()
      } finally {
        clearInterval(alive)
        if (plan.data === undefined) rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}

export const bearer = (token: string): OutgoingHttpHeaders => ({ authorization: `Bearer ${token}` })

/** A call of a tool in the modern era, with whatever headers. */
export const calling = (name: string, headers: OutgoingHttpHeaders = {}): Ask =>
  modern('tools/call', { params: { name, arguments: {} }, headers })

export const listing = (headers: OutgoingHttpHeaders = {}): Ask => modern('tools/list', { headers })

/** The challenges of an answer, in one text. */
export const challenged = ({ headers }: Answer): string => headers['www-authenticate'] ?? ''

/** The scopes that a challenge names. */
export const scopesIn = (answer: Answer): readonly string[] =>
  /scope="([^"]*)"/.exec(challenged(answer))?.[1]?.split(' ') ?? []

/** A call was held back for want of exactly these scopes, and said so. */
export function isShort(answer: Answer, ...needed: readonly string[]): void {
  assert.equal(answer.status, 403, answer.text)
  assert.match(challenged(answer), /^Bearer error="insufficient_scope"/)
  assert.match(challenged(answer), /resource_metadata="http/)
  assert.deepEqual(scopesIn(answer), needed)
  assert.deepEqual(answer.json.error.data, { scopes: needed })
}

export interface Proving {
  readonly claims?: Loose
  readonly header?: Loose
  readonly token?: string
}

/** A client's own key, and the proofs it makes with it. */
export function proofMaker(key: SigningKey, url: string) {
  const jwk = { kty: key.jwk.kty, crv: key.jwk['crv'], x: key.jwk['x'], y: key.jwk['y'] } as const
  return {
    jkt: () => calculateJwkThumbprint(jwk as never),
    prove: ({ claims, header, token }: Proving = {}): Promise<string> =>
      new SignJWT({
        htm: 'POST',
        htu: url,
        jti: randomUUID(),
        iat: seconds(),
        ...(token === undefined
          ? {}
          : { ath: createHash('sha256').update(token).digest('base64url') }),
        ...claims,
      })
        .setProtectedHeader({ alg: key.alg, typ: 'dpop+jwt', jwk, ...header } as never)
        .sign(key.privateKey),
  }
}

export const send = (house: GuardedHouse, asked: Ask, view = 'peer'): Promise<Answer> =>
  ask(house.at(view), asked)
