import { own, RPC, type JsonObject, type Kind } from '@countersign/contract'
import type { Answer } from './flight.ts'
import { soundItems } from './sound-items.ts'
import type { Listing } from './upstream.ts'
import { upstreamFault } from './upstream-fault.ts'

const PAGES_MAX = 64
const ITEMS_MAX = 10_000
/** All pages of one list together: each is within the bound of a message, 64 of them need not be. */
const CHARS_MAX = 32 * 1_024 * 1_024

const LISTS = {
  tool: { capability: 'tools', method: 'tools/list', key: 'tools' },
  prompt: { capability: 'prompts', method: 'prompts/list', key: 'prompts' },
  resource: { capability: 'resources', method: 'resources/list', key: 'resources' },
  template: {
    capability: 'resources',
    method: 'resources/templates/list',
    key: 'resourceTemplates',
  },
} as const satisfies Record<Kind, object>

const EMPTY: Listing = { items: [], ttlMs: 0, problems: [] }

interface ListSpec {
  readonly server: string
  readonly kind: Kind
  readonly capabilities: JsonObject
  /** Asks for one page. */
  readonly page: (method: string, params: JsonObject) => Promise<Answer>
}

/** Everything a server lists of one kind, page by page; what came before trouble is kept (F-041). */
export async function listPages(spec: ListSpec): Promise<Listing> {
  const { capability, method, key } = LISTS[spec.kind]
  if (own(spec.capabilities, capability) === undefined) return EMPTY
  const items: JsonObject[] = []
  const problems: string[] = []
  const seen = new Set<string>()
  let ttlMs: number | undefined
  let cursor: string | undefined
  let chars = 0
  for (let pages = 0; ; pages++) {
    if (pages === PAGES_MAX || items.length > ITEMS_MAX) {
      problems.push(`The list of ${key} goes on; the rest was left out.`)
      break
    }
    const params = cursor === undefined ? {} : { cursor }
    const page = fitting(await readPage(spec, method, params, pages === 0), CHARS_MAX - chars, key)
    if (page.kind === 'over') {
      problems.push(...page.problems)
      break
    }
    const { result, text } = page
    chars += text.length
    const sound = soundItems(text, result, key)
    for (const item of sound.items) items.push(item)
    problems.push(...sound.problems)
    ttlMs = Math.min(ttlMs ?? Number.POSITIVE_INFINITY, ttlOf(result))
    // Cursors are opaque, and empty text is one too; only absence is the end (F-038).
    const next = own(result, 'nextCursor')
    if (typeof next !== 'string') break
    if (seen.has(next)) {
      problems.push(`The list of ${key} goes in circles: a cursor came twice.`)
      break
    }
    seen.add(next)
    cursor = next
  }
  return { items: items.slice(0, ITEMS_MAX), ttlMs: ttlMs ?? 0, problems }
}

type Page =
  | { readonly kind: 'page'; readonly result: JsonObject; readonly text: string }
  | { readonly kind: 'over'; readonly problems: readonly string[] }

/** The page, if what is left has room for it. */
function fitting(page: Page, charsLeft: number, key: string): Page {
  if (page.kind === 'over' || page.text.length <= charsLeft) return page
  const most = `${String(CHARS_MAX)} characters`
  return {
    kind: 'over',
    problems: [`The list of ${key} has more than ${most}; the rest was left out.`],
  }
}

async function readPage(
  { server, kind, page }: ListSpec,
  method: string,
  params: JsonObject,
  first: boolean,
): Promise<Page> {
  const answer = await page(method, params)
  if (answer.kind === 'result') {
    const type = own(answer.result, 'resultType')
    if (type === undefined || type === 'complete') {
      return { kind: 'page', result: answer.result, text: answer.text }
    }
    // V-030, I-001: a list is whole or it is no list.
    throw upstreamFault('upstream/broken', server, `answered ${method} with a strange result.`)
  }
  const code = answer.kind === 'error' ? answer.error.code : answer.fault.code
  const problem = `${method} failed after some pages (${code}); what came before was kept.`
  if (!first) return { kind: 'over', problems: [problem] }
  if (answer.kind === 'lost') throw answer.fault
  const { error } = answer
  if (error.code === RPC.methodNotFound) {
    // Servers with resources often have no templates, and no answer for them either.
    const quiet = kind === 'template'
    return { kind: 'over', problems: quiet ? [] : [`${method} is declared but not served.`] }
  }
  throw upstreamFault('upstream/broken', server, `failed at ${method} (${error.code}).`)
}

// Absent or negative means 0 (F-053); legacy servers say nothing.
function ttlOf(result: JsonObject): number {
  const ttl = own(result, 'ttlMs')
  return typeof ttl === 'number' && Number.isFinite(ttl) && ttl > 0 ? Math.floor(ttl) : 0
}
