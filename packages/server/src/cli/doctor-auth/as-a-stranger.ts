import { isObject, own } from '@countersign/contract'
import { METADATA_PATH } from '#auth'
import type { Finding } from '../doctor.ts'
import { about } from './finding.ts'

const PATIENCE_MS = 5_000
const BEGIN = { jsonrpc: '2.0', id: 1, method: 'ping' }

/** What a client that has never seen us finds at the address that it was given. */
export async function asAStranger(origin: string, isRunning: boolean): Promise<readonly Finding[]> {
  const at = about('address')
  const where = `${origin}${METADATA_PATH}/mcp`
  let described: Answer
  try {
    described = await answerOf(where)
  } catch (thrown) {
    const why = causeOf(thrown)
    if (!isRunning) {
      return [
        at.warn(`${origin} was not asked: no gateway runs`, 'countersign serve, then once more'),
      ]
    }
    return [
      at.fail(
        `nobody answers at ${origin} (${why})`,
        'set listen.publicUrl to what clients call us',
      ),
    ]
  }
  const findings = [judgeDescription(where, described, origin)]
  return findings[0]?.verdict === 'pass' ? [...findings, await judgeChallenge(origin)] : findings
}

function judgeDescription(where: string, { status, json }: Answer, origin: string): Finding {
  const at = about('address')
  const resource = isObject(json) ? own(json, 'resource') : undefined
  if (status >= 300 && status < 400) {
    return at.fail(`${where} is redirected`, 'let the proxy pass /.well-known/ on as it is')
  }
  if (status !== 200 || typeof resource !== 'string') {
    return at.fail(
      `${where} answers ${String(status)}, and no description of us`,
      'let the proxy pass /.well-known/oauth-protected-resource and everything below it on to us',
    )
  }
  if (resource !== `${origin}/mcp`) {
    return at.fail(
      `there we are called ${resource}, and clients will ask for tokens for that`,
      `set listen.publicUrl to ${origin}, or give clients the other address`,
    )
  }
  return at.pass(`${where} describes ${resource}`)
}

/** RFC 9728 §5.1: without the header, and with another one, clients do not find the way. */
async function judgeChallenge(origin: string): Promise<Finding> {
  const at = about('challenge')
  const { status, challenge } = await answerOf(`${origin}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify(BEGIN),
  })
  if (status !== 401) {
    return at.fail(
      `${origin}/mcp answers ${String(status)} to whoever shows nothing, not 401`,
      'look at what stands in front of us: something answers in our place',
    )
  }
  if (!challenge.includes(`resource_metadata="${origin}${METADATA_PATH}/mcp"`)) {
    return at.fail(
      challenge === '' ? '401 without WWW-Authenticate' : `WWW-Authenticate says: ${challenge}`,
      'let the proxy pass the header WWW-Authenticate on as it is',
    )
  }
  return at.pass('whoever shows nothing is told where to go, and what to ask for')
}

interface Answer {
  readonly status: number
  readonly json: unknown
  readonly challenge: string
}

async function answerOf(url: string, asked: RequestInit = {}): Promise<Answer> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const answer = await fetch(url, { redirect: 'manual', signal, ...asked })
  const json: unknown = await answer.json().catch(() => undefined)
  return { status: answer.status, json, challenge: answer.headers.get('www-authenticate') ?? '' }
}

function causeOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
}
