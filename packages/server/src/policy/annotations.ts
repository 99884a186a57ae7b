import { SELF, type Escalation } from './approval-settings.ts'
import type { PolicyJson } from './cedar.ts'

/** What we read, and what may be written for people. */
const READ = ['id', 'ask', 'quorum', 'escalate', 'message']
const FOR_PEOPLE = ['description', 'owner', 'severity']
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
const GROUP = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const MESSAGE_CHARS_MAX = 500
const QUORUM_MAX = 20

interface Wrong {
  readonly policy?: string
  readonly problem: string
  readonly remedy: string
}

/** Who has to say yes. */
export interface Asking {
  readonly group: string
  readonly quorum: number
  /** Who may answer too when nobody does. */
  readonly escalate?: Escalation
}

/** What is wrong with the annotations of a policy. */
export function checkAnnotations({ effect, annotations = {} }: PolicyJson): readonly Wrong[] {
  const { id } = annotations
  const policy = id === undefined ? {} : { policy: id.slice(0, 100) }
  return RULES.filter(({ isBroken }) => isBroken(annotations, effect))
    .map(({ problem, remedy }): Wrong => ({ ...policy, problem, remedy }))
    .concat(unknownIn(annotations).map((one) => ({ ...policy, ...one })))
}

type Annotations = Readonly<Record<string, string | undefined>>

interface AnnotationRule {
  readonly isBroken: (annotations: Annotations, effect: PolicyJson['effect']) => boolean
  readonly problem: string
  readonly remedy: string
}

const RULES: readonly AnnotationRule[] = [
  {
    isBroken: ({ id }) => id === undefined,
    problem: 'it has no @id',
    remedy: 'entries and refusals name it: write @id("…")',
  },
  {
    isBroken: ({ id }) => id !== undefined && !ID.test(id),
    problem: 'its @id is no plain word',
    remedy: 'letters, digits, dots and hyphens',
  },
  {
    isBroken: ({ ask, message, quorum, escalate }, effect) =>
      effect === 'permit' && (ask ?? message ?? quorum ?? escalate) !== undefined,
    problem: '@ask, @quorum, @escalate and @message on a permit',
    remedy: 'only a forbid refuses: put them there',
  },
  {
    isBroken: ({ ask }) => ask !== undefined && !GROUP.test(ask),
    problem: '@ask names no group',
    remedy: 'write @ask("sre")',
  },
  {
    isBroken: ({ ask, quorum }) => quorum !== undefined && (ask === undefined || !isQuorum(quorum)),
    problem: '@quorum without a meaning',
    remedy: `beside @ask, a number from 1 to ${String(QUORUM_MAX)}`,
  },
  {
    isBroken: ({ ask, quorum }) => ask === SELF && quorum !== undefined && quorum !== '1',
    problem: '@quorum beside @ask("self")',
    remedy: 'whoever asks is one person: leave it out',
  },
  {
    isBroken: ({ ask, escalate }) =>
      escalate !== undefined && (ask === undefined || !escalationIn(escalate)),
    problem: '@escalate without a meaning',
    remedy: 'beside @ask, such as @escalate("managers after 2h"): min, h or d, at most 7d',
  },
  {
    isBroken: ({ message }) =>
      message !== undefined && (message.length > MESSAGE_CHARS_MAX || message.trim() === ''),
    problem: 'its @message is too long or empty',
    remedy: `at most ${String(MESSAGE_CHARS_MAX)} characters`,
  },
]

const unknownIn = (annotations: Annotations): readonly Wrong[] =>
  Object.keys(annotations)
    .filter((name) => !READ.includes(name) && !FOR_PEOPLE.includes(name))
    .map((name) => ({
      problem: `@${name} means nothing`,
      remedy: `one of @${[...READ, ...FOR_PEOPLE].join(', @')}`,
    }))

const isQuorum = (text: string): boolean =>
  /^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= QUORUM_MAX

const ESCALATION = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}) after (\d{1,5}) ?(min|h|d)$/
const UNIT_MS: Readonly<Record<string, number>> = { min: 60_000, h: 3_600_000, d: 86_400_000 }
const ESCALATION_MS_MAX = 7 * 86_400_000

/** `managers after 2h` */
function escalationIn(text: string): Escalation | undefined {
  const [, to, count, unit = ''] = ESCALATION.exec(text.trim()) ?? []
  const afterMs = Number(count) * (UNIT_MS[unit] ?? Number.NaN)
  if (to === undefined || to === SELF) return undefined
  return afterMs >= 1 && afterMs <= ESCALATION_MS_MAX ? { to, afterMs } : undefined
}

/** What a policy says beside its rule. */
export interface Said {
  readonly asking?: Asking
  readonly message?: string
}

export function saidIn({ annotations = {} }: PolicyJson): Said {
  const { ask, quorum, escalate: later, message } = annotations
  const escalate = later === undefined ? undefined : escalationIn(later)
  const asking = { quorum: Number(quorum ?? 1), ...(escalate ? { escalate } : {}) }
  return {
    ...(ask === undefined ? {} : { asking: { group: ask, ...asking } }),
    ...(message === undefined ? {} : { message: oneLine(message) }),
  }
}

const oneLine = (text: string): string => text.trim().replaceAll(/\s+/g, ' ')

/** `@ask` is what it says: a forbid with it does not apply to what its group has approved. */
export function liftable(policy: PolicyJson): PolicyJson {
  const { asking } = saidIn(policy)
  if (policy.effect === 'permit' || !asking) return policy
  const approval = { '.': { left: { Var: 'context' as const }, attr: 'approval' } }
  const body = {
    '&&': {
      left: { has: { left: { Var: 'context' as const }, attr: 'approval' } },
      right: {
        contains: {
          left: { '.': { left: approval, attr: 'groups' } },
          right: { Value: asking.group },
        },
      },
    },
  }
  return { ...policy, conditions: [...policy.conditions, { kind: 'unless', body }] }
}
