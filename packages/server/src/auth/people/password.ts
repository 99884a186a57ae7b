import { scrypt, timingSafeEqual } from 'node:crypto'
import type { World } from '#base'
import { PageRefusal } from '../pages/refusal.ts'

/** Passwords as they are kept: never the password, always at the same cost. */
export interface Passwords {
  readonly hash: (password: string) => Promise<string>
  /** Takes as long for an account that is not there, or has no password, as for one that has. */
  readonly check: (password: string, hash: string | undefined) => Promise<Checked>
}

interface Checked {
  readonly isRight: boolean
  /** It was hashed at another cost than today's. */
  readonly isStale: boolean
}

/** OWASP Password Storage: 2^15 × 8 × 3 costs a guess some 100 ms and 32 MiB. */
const COST = { log2: 15, blocks: 8, lanes: 3 } as const
type Cost = { readonly [Name in keyof typeof COST]: number }
const SALT_BYTES = 16
const HASH_BYTES = 32
/** Beyond these a stored hash is not ours. */
const COST_MAX: Cost = { log2: 20, blocks: 16, lanes: 16 }

/** Each takes a thread and its memory; the rest of the program needs some too. */
const AT_ONCE = 2
const WAITING_MAX = 40

export const PASSWORD_CHARS = { min: 12, max: 256 } as const

/** What is wrong with a password that somebody wants; undefined when nothing is. */
export function passwordProblem(password: string, name: string): string | undefined {
  const chars = Array.from(password.normalize('NFKC'))
  if (chars.length < PASSWORD_CHARS.min) {
    return `Take at least ${String(PASSWORD_CHARS.min)} characters. Three or four words are easy to keep in mind.`
  }
  if (chars.length > PASSWORD_CHARS.max)
    return `Take at most ${String(PASSWORD_CHARS.max)} characters.`
  const plain = password.normalize('NFKC').toLowerCase()
  if (new Set(chars).size < 5) return 'Take one with more than a few different characters.'
  const isName = name !== '' && plain.replaceAll(name.toLowerCase(), '').length < 8
  return isName ? 'Take one that is more than your name.' : undefined
}

export function makePasswords(world: World): Passwords {
  const derive = oneByOne()
  // What nobody has is checked against this, so that its absence takes as long.
  const nobody = { cost: COST, salt: world.random(SALT_BYTES), hash: world.random(HASH_BYTES) }
  return {
    hash: async (password) => {
      const salt = world.random(SALT_BYTES)
      return written(salt, await derive(password, salt, COST))
    },
    check: async (password, text) => {
      const known = text === undefined ? undefined : read(text)
      const { cost, salt, hash } = known ?? nobody
      const made = await derive(password, salt, cost)
      const isSame = made.length === hash.length && timingSafeEqual(made, hash)
      return { isRight: isSame && known !== undefined, isStale: !isToday(cost) }
    },
  }
}

const isToday = (cost: Cost): boolean =>
  cost.log2 === COST.log2 && cost.blocks === COST.blocks && cost.lanes === COST.lanes

const written = (salt: Buffer, hash: Buffer): string =>
  `$scrypt$ln=${String(COST.log2)},r=${String(COST.blocks)},p=${String(COST.lanes)}$${salt.toString('base64url')}$${hash.toString('base64url')}`

const HASH = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w-]+)\$([\w-]+)$/

function read(
  text: string,
): { readonly cost: Cost; readonly salt: Buffer; readonly hash: Buffer } | undefined {
  const parts = HASH.exec(text)
  if (!parts) return undefined
  const [, log2, blocks, lanes, salt = '', hash = ''] = parts
  const cost = { log2: Number(log2), blocks: Number(blocks), lanes: Number(lanes) }
  const isSane =
    cost.log2 <= COST_MAX.log2 && cost.blocks <= COST_MAX.blocks && cost.lanes <= COST_MAX.lanes
  if (!isSane) return undefined
  return { cost, salt: Buffer.from(salt, 'base64url'), hash: Buffer.from(hash, 'base64url') }
}

const BYTES_PER_BLOCK = 128

const deriveNow = (password: string, salt: Buffer, cost: Cost): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const { log2, blocks, lanes } = cost
    const N = 2 ** log2
    const maxmem = 2 * BYTES_PER_BLOCK * N * blocks * lanes
    const options = { N, r: blocks, p: lanes, maxmem }
    scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (error, made) => {
      if (error) reject(error)
      else resolve(made)
    })
  })

/** A few at one time; the rest waits in line, and a line that is too long is not joined. */
function oneByOne(): typeof deriveNow {
  let running = 0
  const line: (() => void)[] = []
  return async (password, salt, cost) => {
    if (running >= AT_ONCE) {
      if (line.length >= WAITING_MAX) throw tooBusy()
      await new Promise<void>((resolve) => {
        line.push(resolve)
      })
    } else running++
    try {
      return await deriveNow(password, salt, cost)
    } finally {
      const next = line.shift()
      if (next) next()
      else running--
    }
  }
}

const tooBusy = (): PageRefusal =>
  new PageRefusal(503, {
    title: 'Too many are signing in',
    words: 'Nothing was done. Wait a few seconds, go back, and try again.',
  })
