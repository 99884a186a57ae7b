import type { JsonObject } from '@countersign/contract'
import { approvalPath, type Approval, type Grant } from '#approvals'
import { html, type Html } from '#auth'
import { approversOf, type ApprovalSettings } from '#policy'
import type { History, Past } from './approval-history.ts'

/** What is on the page for one person. */
export interface ApprovalView {
  readonly approval: Approval
  readonly history: History
  readonly settings: ApprovalSettings
  readonly now: number
  /** The hidden field of its form; undefined where they have nothing to decide. */
  readonly field: Html | undefined
  readonly mayAnswer: boolean
  readonly mayBreakGlass: boolean
  /** What somebody has proposed to allow beside it. */
  readonly grant: Grant | undefined
  /** They would have to show a passkey, and have not. */
  readonly lacksPasskey: boolean
}

export const REASON_CHARS_MAX = 1_000
const DAYS = 7

const time = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** Indented, each of them would take as much room as it is deep: long ones are shown as they are. */
const INDENTED_CHARS_MAX = 20_000

function written(given: JsonObject): string {
  const plain = JSON.stringify(given)
  return plain.length > INDENTED_CHARS_MAX ? plain : JSON.stringify(given, undefined, 2)
}

type Fact = readonly [string, string | undefined]

const facts = (all: readonly Fact[]): readonly Html[] =>
  all.flatMap(([name, value]) =>
    value === undefined || value === ''
      ? []
      : [
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
        ],
  )

/** Exactly what will happen, what is known of whoever asks, and what can be said to it. */
export function approvalBody(view: ApprovalView): Html {
  const { approval, history, now } = view
  const { id, bound, shown } = approval
  const state = approval.state === 'open' && now >= approval.expiresAt ? 'expired' : approval.state
  return html`<h1>${state === 'open' ? 'Shall this be done?' : `This is ${state}`}</h1>
    <dl>${facts(whatIsAsked(approval))}</dl>
    <h2>Arguments</h2>
    <pre>${written(shown.arguments)}</pre>
    <p class="small soft">${id}, ${bound.arguments}</p>
    ${state === 'open' ? formsOf(view) : html`<p>There is nothing to decide here.</p>`}
    <h2>What a yes is for</h2>
    <dl>${facts(whatIsBound(approval))}</dl>
    <h2>This agent before</h2>
    ${pastList(history.agent, ({ server, tool }) => `${server} ${tool}`)}
    <h2>This tool before</h2>
    ${pastList(history.tool, ({ principal }) => principal)}`
}

function whatIsAsked({ bound, shown, asks, message, answers, expiresAt, ...more }: Approval) {
  const later = asks.flatMap(({ group, escalate }): Fact[] =>
    escalate
      ? [
          [
            'Or',
            `"${escalate.to}", if nobody of "${group}" has by ${time(more.createdAt + escalate.afterMs)}`,
          ],
        ]
      : [],
  )
  return [
    ['Tool', `${bound.server} ${bound.tool}, called as ${shown.name}`],
    ['Effect', bound.effect],
    ['Asked by', bound.principal],
    ['Through', [bound.client, ...bound.actors].join(', ')],
    ['Needs', `approval by ${approversOf(asks)}`],
    ...later,
    ['Policies', asks.flatMap(({ policies }) => policies).join(', ')],
    ['Why', message],
    ['Until', time(expiresAt)],
    ['The server says of it', [shown.title, shown.description].filter(Boolean).join(': ')],
    ...answers.map(({ by, verdict, reason, isBreakGlass }): Fact => {
      const why = reason === undefined ? '' : `: ${reason}`
      const alone = isBreakGlass === true ? ' alone, by breaking the glass' : ''
      return ['Answer', `${by} said ${verdict === 'approve' ? 'yes' : 'no'}${alone}${why}`]
    }),
  ] satisfies readonly Fact[]
}

const whatIsBound = ({ bound }: Approval): readonly Fact[] => [
  ['Once', 'For this call alone: another one, or a changed one, asks again.'],
  ['Definition', bound.definition],
  ['Arguments', bound.arguments],
  ['Policies', `version ${String(bound.policy.number)}, ${bound.policy.digest}`],
  ['View', bound.view],
]

function pastList(past: readonly Past[], what: (one: Past) => string): Html {
  if (past.length === 0) return html`<p class="soft">Nothing that the ledger knows of.</p>`
  const lines = past.map((one) => {
    const yes = one.yes === undefined ? '' : ` (${one.yes})`
    return html`<li>
      ${time(one.at)}: ${what(one)}: ${one.decision}${yes}, ${one.outcome ?? 'unknown'}
    </li>`
  })
  return html`<ul class="small">
    ${lines}
  </ul>`
}

function formsOf(view: ApprovalView): Html {
  const { approval, field, lacksPasskey, mayAnswer, mayBreakGlass } = view
  if (lacksPasskey && (mayAnswer || mayBreakGlass)) {
    const again = `${approvalPath(approval.id)}?sign-in`
    return html`<p>What is ${approval.bound.effect} is decided with a passkey.</p>
      <p><a href="${again}">Sign in with a passkey</a></p>`
  }
  if (!field || (!mayAnswer && !mayBreakGlass)) {
    return html`<p>There is nothing to decide here.</p>`
  }
  return html`${mayAnswer && answerForm(view, field)} ${mayBreakGlass && glassForm(view, field)}`
}

// The first button is what Enter presses.
const answerForm = ({ approval, settings, grant, now }: ApprovalView, field: Html): Html =>
  html`<form method="post" action="${approvalPath(approval.id)}">
    ${field}
    <label for="reason">Reason, which a no needs: the agent reads it</label>
    <input id="reason" name="reason" value="" maxlength="${REASON_CHARS_MAX}" />
    ${settings.grants && grantFields(settings.grants.usesMax, settings.grants.daysMax, grant, now)}
    <button type="submit" name="verdict" value="deny" class="quiet">Deny</button>
    <button type="submit" name="verdict" value="approve">Approve exactly this</button>
    ${
      settings.grants &&
      html`<button type="submit" name="verdict" value="grant" class="quiet">
        Approve, and allow the same from now on
      </button>`
    }
  </form>`

function grantFields(
  usesMax: number,
  daysMax: number,
  grant: Grant | undefined,
  now: number,
): Html {
  if (grant && now < grant.until) {
    const [maker] = grant.makers
    const isAny = grant.bounds.exactly === undefined
    return html`<p>
        ${maker?.by ?? ''} would allow the same${isAny && ', also with other arguments,'}
        ${grant.uses} times, until ${time(grant.until)}. The last button agrees to that.
      </p>
      <input type="hidden" name="uses" value="${grant.uses}" />
      <input type="hidden" name="until" value="${grant.until}" />
      ${isAny && html`<input type="hidden" name="any" value="yes" />`}`
  }
  return html`<label for="uses">How often, if the same is to be allowed from now on</label>
    <input id="uses" name="uses" type="number" min="1" max="${usesMax}" value="1" />
    <label for="days">For how many days</label>
    <input
      id="days"
      name="days"
      type="number"
      min="1"
      max="${daysMax}"
      value="${Math.min(DAYS, daysMax)}"
    />
    <label><input type="checkbox" name="any" value="yes" /> Also with other arguments</label>`
}

const glassForm = ({ approval }: ApprovalView, field: Html): Html =>
  html`<h2>Break the glass</h2>
    <p>You decide alone, instead of all who are asked. Others look at it afterwards.</p>
    <form method="post" action="${approvalPath(approval.id)}">
      ${field}
      <label for="glass">Why it cannot wait</label>
      <input id="glass" name="reason" value="" required maxlength="${REASON_CHARS_MAX}" />
      <button type="submit" name="verdict" value="break-glass" class="quiet">
        Break the glass
      </button>
    </form>`
