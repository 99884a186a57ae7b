/** Each library has its rooms; a further room wanting it is a design question, asked here. */

/** Rooms of the server, and other workspaces, by the library they may import. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  '@anthropic-ai/sandbox-runtime': ['upstream'],
  '@cedar-policy/cedar-wasm': ['policy'],
  '@electric-sql/pglite': ['engine'],
  '@modelcontextprotocol/client': ['upstream', 'vault'],
  '@modelcontextprotocol/core': ['contract', 'upstream'],
  '@modelcontextprotocol/ext-tasks': ['contract', 'upstream'],
  '@modelcontextprotocol/node': ['sdk'],
  '@modelcontextprotocol/server': ['sdk'],
  '@noble/hashes': ['contract'],
  '@opentelemetry/api': ['telemetry'],
  '@opentelemetry/exporter-logs-otlp-proto': ['telemetry'],
  '@opentelemetry/exporter-metrics-otlp-proto': ['telemetry'],
  '@opentelemetry/exporter-prometheus': ['telemetry'],
  '@opentelemetry/exporter-trace-otlp-proto': ['telemetry'],
  '@opentelemetry/resources': ['telemetry'],
  '@opentelemetry/sdk-logs': ['telemetry'],
  '@opentelemetry/sdk-metrics': ['telemetry'],
  '@opentelemetry/sdk-trace': ['telemetry'],
  '@sigstore/bundle': ['registry'],
  '@sigstore/verify': ['registry'],
  '@secretlint/secretlint-rule-preset-recommend': ['redaction'],
  '@simplewebauthn/server': ['auth'],
  ajv: ['gateway'],
  canonicalize: ['contract'],
  'cross-spawn': ['base'],
  'eventsource-parser': ['upstream'],
  hono: ['http'],
  jose: ['auth', 'vault'],
  'json-p3': ['tasks'],
  'jsonc-parser': ['contract', 'config', 'cli'],
  kysely: ['engine', 'store'],
  oauth4webapi: ['auth'],
  'libphonenumber-js': ['redaction'],
  'oidc-provider': ['auth'],
  'openid-client': ['auth'],
  pg: ['engine', 'store'],
  'pg-boss': ['engine'],
  pino: ['telemetry'],
  'smol-toml': ['cli'],
  standardwebhooks: ['feeds'],
  undici: ['upstream', 'auth'],
  yaml: ['config', 'cli'],
  validator: ['redaction'],
  zod: ['contract', 'sdk', 'config', 'policy', 'cli'],
}

/** Of Node's own modules, those that open something. */
const NODE: Readonly<Record<string, readonly string[]>> = {
  'node:child_process': ['base'],
  'node:crypto': ['sdk', 'admin', 'registry', 'vault', 'witness', 'auth', 'audit', 'base', 'cli'],
  'node:dns': ['auth'],
  'node:fs': ['engine', 'sdk', 'config', 'cli', 'base'],
  'node:http': ['sdk', 'http', 'admin', 'auth', 'cli'],
  'node:module': ['main'],
  'node:net': ['config', 'http', 'auth', 'cli'],
  'node:os': ['cli', 'base'],
  'node:perf_hooks': ['telemetry'],
  'node:sqlite': ['engine', 'store', 'audit', 'registry'],
  'node:timers': ['base'],
  'node:v8': ['base'],
  'node:vm': ['base'],
}
/** Those that only compute. `contract` and `console` run in browsers and have not even these. */
const PURE = /^node:(?:buffer|events|path|process|readline|stream|string_decoder|url|util)$/
const WITHOUT_NODE = ['contract', 'console']

/** True when `target` may be imported in a room of the server, or in another workspace. */
export function mayImport(target: string, place: string): boolean {
  if (/^[.#]/.test(target) || /^@?countersign(?:\/|$)/.test(target)) return true
  if (target.startsWith('node:')) {
    const name = target.replace(/\/.*$/, '')
    return PURE.test(name) ? !WITHOUT_NODE.includes(place) : (NODE[name] ?? []).includes(place)
  }
  const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/')
  return (LIBRARIES[name] ?? []).includes(place)
}
