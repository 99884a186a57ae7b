import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Fault, isObject, own } from '@countersign/contract'
import { makeSafeFetch, obtainToken, ownKey, Unfetched, type OwnKey, type Proof } from '#auth'
import { Secret } from '#base'
import {
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
  type Parsed,
} from './command.ts'
import { print, printJson, type Io } from './io.ts'

/** Where the volume of the example in docs/authorization.md puts it. */
const KUBERNETES_FILE = '/var/run/secrets/countersign/token'
const GITHUB_URL = 'ACTIONS_ID_TOKEN_REQUEST_URL'
const GITHUB_TOKEN = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN'

export const token: Command = {
  summary: 'Gets a token for a script, a CI job or an agent with no person behind it.',
  usage: 'token --resource URL (--github | --kubernetes | --spiffe-file F | …) [options]',
  options: {
    ...JSON_OPTION,
    resource: { type: 'string', short: 'r' },
    scope: { type: 'string', short: 's' },
    issuer: { type: 'string' },
    'assertion-file': { type: 'string' },
    github: { type: 'boolean' },
    kubernetes: { type: 'boolean' },
    'spiffe-file': { type: 'string' },
    'client-id': { type: 'string' },
    'client-secret-env': { type: 'string' },
    key: { type: 'string' },
    'dpop-key': { type: 'string' },
  },
  help: `  -r, --resource URL  the URL of the view, such as https://mcp.example/mcp/files
  -s, --scope WORDS   what the token is to hold (default: all that may be given; of a
                      client, mcp:discover alone)
  --issuer URL        who must give it (default: the one that the resource names)

How this program proves who it is, one of:
  --github            by the identity of the GitHub Actions job (permissions: id-token: write)
  --kubernetes        by the service account token in ${KUBERNETES_FILE}
  --spiffe-file F     by a JWT-SVID, as spiffe-helper or "spire-agent api fetch jwt" writes it
  --assertion-file F  by any other JWT that the operator trusts
  --client-id ID --client-secret-env NAME
                      as a client, by the secret in the environment variable NAME
  --client-id ID --key F
                      as a client, by a private key (PEM or JWK)

  --dpop-key F        binds the token to this private key; every request then needs a proof by it
${JSON_HELP}

  TOKEN=$(countersign token --resource https://mcp.example/mcp/files --github)

Prints the token and nothing else; it is good for minutes, so get one when it is needed.
Exit code: 0 printed, 2 not given, with the reason and what to do.`,
  run: async (parsed, io) => {
    const resource = resourceIn(parsed)
    const dpopFile = textOption(parsed, 'dpop-key')
    const proofFor = proofIn(parsed, io)
    const safeFetch = makeSafeFetch(io.world)
    try {
      const obtained = await obtainToken(
        { world: io.world, safeFetch },
        {
          resource,
          issuer: textOption(parsed, 'issuer'),
          scope: textOption(parsed, 'scope'),
          proofFor,
          dpopKey: dpopFile === undefined ? undefined : await keyIn(io, dpopFile),
        },
      )
      const { issuer, rest } = obtained
      const shown = obtained.token.reveal()
      if (flag(parsed, 'json')) printJson(io, { access_token: shown, ...rest, issuer })
      else print(io, shown)
      return EXIT.ok
    } finally {
      await safeFetch.close()
    }
  },
}

function resourceIn(parsed: Parsed): string {
  const resource = textOption(parsed, 'resource')
  if (resource !== undefined && URL.canParse(resource)) return resource
  const what = resource === undefined ? '--resource is missing' : '--resource is no URL'
  const why = `${what}: name that of the view, such as https://mcp.example/mcp/files.`
  throw new Fault('rpc/bad-params', why)
}

type ProofFor = (issuer: string) => Promise<Proof>

/** The one way to prove it that was chosen. */
function proofIn(parsed: Parsed, io: Io): ProofFor {
  const ways = [
    ['github', () => (issuer: string) => githubProof(io, issuer)],
    ['kubernetes', () => fileProof(io, KUBERNETES_FILE)],
    ['spiffe-file', (file: string) => fileProof(io, file)],
    ['assertion-file', (file: string) => fileProof(io, file)],
    ['client-id', (id: string) => clientProof(parsed, io, id)],
  ] as const
  const named = ways.filter(([name]) => parsed.values[name] !== undefined)
  const [way, ...more] = named
  if (!way || more.length > 0) {
    const all = '--github, --kubernetes, --spiffe-file, --assertion-file or --client-id'
    throw new Fault('rpc/bad-params', `say how this program proves who it is, by one of ${all}.`)
  }
  const [name, make] = way
  return make(textOption(parsed, name) ?? '')
}

const fileProof =
  (io: Io, file: string): ProofFor =>
  async () => ({ kind: 'assertion', jwt: new Secret(jwtIn(textOf(io, file), file)) })

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** The file is the JWT, or what SPIRE prints, which holds it. */
function jwtIn(text: string, file: string): string {
  const found = JWT.test(text.trim()) ? text.trim() : svidIn(text)
  if (found !== undefined) return found
  throw new Fault('rpc/bad-params', `there is no JWT in ${file}.`)
}

function svidIn(text: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const [first = value]: readonly unknown[] = Array.isArray(value) ? value : [value]
  const svids = isObject(first) ? own(first, 'svids') : undefined
  const [one = first]: readonly unknown[] = Array.isArray(svids) ? svids : [first]
  const svid = isObject(one) ? own(one, 'svid') : undefined
  return typeof svid === 'string' && JWT.test(svid) ? svid : undefined
}

/** An identity for this issuer alone: whoever else sees it can do nothing with it. */
async function githubProof(io: Io, issuer: string): Promise<Proof> {
  const [where, bearer] = [io.world.env(GITHUB_URL), io.world.env(GITHUB_TOKEN)]
  if (where === undefined || bearer === undefined) {
    const why = 'this is no GitHub Actions job that may have an identity.'
    throw new Fault('auth/required', `${why} Add to the job: permissions: { id-token: write }`)
  }
  const url = new URL(where)
  url.searchParams.set('audience', issuer)
  const safeFetch = makeSafeFetch(io.world)
  try {
    const reach = url.protocol === 'http:' ? 'loopback' : 'private'
    const headers = { authorization: `Bearer ${bearer}` }
    const { status, json } = await safeFetch.ask({ url: url.href, reach, headers })
    const jwt = isObject(json) ? own(json, 'value') : undefined
    if (status === 200 && typeof jwt === 'string')
      return { kind: 'assertion', jwt: new Secret(jwt) }
    throw new Unfetched(`it answers ${String(status)}`)
  } catch (cause) {
    throw new Fault('auth/unavailable', 'GitHub gives this job no identity now.', { cause })
  } finally {
    await safeFetch.close()
  }
}

function clientProof(parsed: Parsed, io: Io, client: string): ProofFor {
  const variable = textOption(parsed, 'client-secret-env')
  const file = textOption(parsed, 'key')
  if ((variable === undefined) === (file === undefined)) {
    const why = '--client-id needs one of --client-secret-env and --key.'
    throw new Fault('rpc/bad-params', why)
  }
  return async () => {
    if (file !== undefined) return { kind: 'key', client, key: await keyIn(io, file) }
    const secret = io.world.env(variable ?? '')
    if (secret !== undefined && secret !== '') {
      return { kind: 'secret', client, secret: new Secret(secret) }
    }
    throw new Fault('rpc/bad-params', `the variable ${String(variable)} is not set.`)
  }
}

const keyIn = (io: Io, file: string): Promise<OwnKey> => ownKey(textOf(io, file))

function textOf(io: Io, file: string): string {
  try {
    return readFileSync(resolve(io.cwd, file), 'utf8')
  } catch (cause) {
    const hint =
      file === KUBERNETES_FILE ? ' Mount a projected token there: docs/authorization.md.' : ''
    throw new Fault('rpc/bad-params', `${file} cannot be read.${hint}`, { cause })
  }
}
