// The policies that benches are measured with: a few for everything, the rest about one server or tool.

export const SERVERS = 25
export const TOOLS = 500

const GUARDRAILS = [
  '@id("g0") @ask("sre") forbid(principal, action == Action::"call", resource) when { context.effect == "destructive" };',
  '@id("g1") forbid(principal, action, resource) when { context.delegation > 3 };',
  '@id("g2") forbid(principal, action, resource) when { context.agents.contains(Agent::"banned") };',
  '@id("g3") permit(principal in Group::"admins", action, resource);',
  '@id("g4") forbid(principal, action == Action::"call", resource) when { context.effect != "read" && context.time.hour >= 22 };',
]

const nameOf = (at: number): string => `s${String(at)}`

/** Five for everything, and the rest about one server or one tool each. */
export function policyText(count: number, serverAt = nameOf): string {
  const grants = Array.from({ length: Math.max(0, count - GUARDRAILS.length) }, (_, at) => {
    const server = serverAt(at % SERVERS)
    const thing =
      at % 3 === 0
        ? `resource == Tool::"${server}/t${String(at % (TOOLS / SERVERS))}"`
        : `resource in Server::"${server}"`
    return `@id("p${String(at)}") permit(principal in Group::"team${String(at % 40)}", action in Action::"use", ${thing}) when { context.effect == "read" || context.scopes.contains("${server}:write") };`
  })
  return [...GUARDRAILS.slice(0, count), ...grants].join('\n')
}
