// A house whose people say who they are by a cookie: its stories are about deciding, not signing in.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SignIns } from '#auth'
import { systemWorld, type World } from '#base'
import { parseConfig } from '#config'
import { silentLog } from '#telemetry'
import { openHouse, type House } from '../../src/server.ts'
import { makeFormBrowser, type FormBrowser } from '../auth/form-browser.ts'
import { ask, modern } from '../stories/raw.ts'

const CABINET = fileURLToPath(new URL('cabinet.ts', import.meta.url))

/** People who say who they are; `tired` proved it long ago, `typist` by a password. */
const byCookie: SignIns = {
  personOf: async ({ headers }) => {
    const said = /(?:^|; )somebody=([\w-]+)/.exec(headers.cookie ?? '')?.[1]
    if (said === undefined) return undefined
    const ageMs = said === 'tired' ? 6 * 60_000 : 0
    const means = said === 'typist' ? 'password' : 'passkey'
    return { principal: personId(said), name: said, means, provedAt: Date.now() - ageMs }
  },
  send: (response, path, wanted) => {
    const query = `then=${encodeURIComponent(path)}&fresh=${String(wanted?.freshMs)}`
    response.writeHead(303, { location: `https://elsewhere.example/?${query}` })
    response.end()
  },
}

export const personId = (name: string): string =>
  name === 'local' ? name : `https://idp.example#${name}`

export interface PageHouse extends AsyncDisposable {
  readonly house: House
  readonly origin: string
  readonly browserOf: (somebody?: string) => FormBrowser
  /** What a call of a plain client is told. */
  readonly call: (name: string, args: object) => Promise<string>
  /** A call of `delete_note` that waits, and where it is decided. */
  readonly waiting: (path: string) => Promise<{ readonly url: string; readonly task: string }>
  readonly stateAt: (url: string) => Promise<string>
  readonly effects: () => readonly string[]
}

interface Plan {
  readonly policy: string
  readonly groups: Readonly<Record<string, readonly string[]>>
  readonly approvals?: Readonly<Record<string, unknown>>
  readonly world?: World
}

export async function openPageHouse(plan: Plan): Promise<PageHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-page-'))
  const effects = join(folder, 'effects')
  writeFileSync(join(folder, 'a.cedar'), plan.policy)
  const groups = Object.entries(plan.groups).map(
    ([group, names]) => [group, names.map(personId)] as const,
  )
  const { approvals = {}, world = systemWorld } = plan
  const written = {
    listen: { port: 0 },
    data: join(folder, 'data'),
    servers: { cabinet: { command: process.execPath, args: [CABINET, effects] } },
    policy: { folder, groups: Object.fromEntries(groups), approvals },
  }
  const path = join(folder, 'countersign.json')
  const config = parseConfig({ world, text: JSON.stringify(written), path })
  const house = await openHouse(config, { world, log: silentLog, signIns: byCookie })
  const alive = setInterval(() => undefined, 60_000)
  const origin = `http://127.0.0.1:${(await house.listen()).port}`
  const call: PageHouse['call'] = async (name, args) => {
    const url = new URL(`${origin}/mcp/cabinet`)
    const { json } = await ask(url, modern('tools/call', { params: { name, arguments: args } }))
    return String(json.result.content[0].text)
  }
  return {
    house,
    origin,
    call,
    browserOf: (somebody) => {
      const browser = makeFormBrowser(origin)
      if (somebody !== undefined) browser.cookies.set('somebody', somebody)
      return browser
    },
    waiting: async (at) => {
      const said = await call('delete_note', { path: at })
      const task = /^Request: (task_\S+)/m.exec(said)?.[1] ?? ''
      const line = (await house.admin.listApprovals({})).find((one) => one.task === task)
      return { url: `${origin}/approvals/${String(line?.id)}`, task }
    },
    stateAt: async (url) =>
      (await house.admin.getApproval({ id: url.split('/').at(-1) ?? '' })).state,
    effects: () => (existsSync(effects) ? readFileSync(effects, 'utf8').trim().split('\n') : []),
    async [Symbol.asyncDispose]() {
      await house[Symbol.asyncDispose]()
      clearInterval(alive)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
