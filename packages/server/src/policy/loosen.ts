import type { Expr, PolicyJson } from './cedar.ts'
import { factsIn, isOfCall } from './sight.ts'

/**
 * The same policy for lists, where there are no arguments yet: it permits whatever it permits with
 * some arguments, and forbids only what it forbids with any. Undefined when nothing is left of it.
 */
export function loosened(policy: PolicyJson): PolicyJson | undefined {
  const { effect, conditions } = policy
  const isBlind = conditions.every(({ body }) => !isOfCall(factsIn(body)))
  if (isBlind) return policy
  if (effect === 'forbid') return undefined
  return {
    ...policy,
    conditions: conditions.flatMap(({ kind, body }) =>
      partsOf(body, kind === 'when' ? '&&' : '||')
        .filter((part) => !isOfCall(factsIn(part)))
        .map((part) => ({ kind, body: part })),
    ),
  }
}

/** What must all hold for `when { a && b }`, and none of it for `unless { a || b }`. */
function partsOf(expression: Expr, operator: '&&' | '||'): readonly Expr[] {
  const pair = pairIn(expression, operator)
  return pair ? [...partsOf(pair.left, operator), ...partsOf(pair.right, operator)] : [expression]
}

function pairIn(
  expression: Expr,
  operator: '&&' | '||',
): { readonly left: Expr; readonly right: Expr } | undefined {
  if (operator === '&&') {
    return '&&' in expression && !Array.isArray(expression['&&']) ? expression['&&'] : undefined
  }
  return '||' in expression && !Array.isArray(expression['||']) ? expression['||'] : undefined
}
