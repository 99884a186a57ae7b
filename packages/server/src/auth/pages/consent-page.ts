import { html, type Html } from './html.ts'
import type { Page } from './page.ts'
import type { ScopeWords } from './scope-words.ts'

/** What somebody is asked before a client gets a token (AS12, AS23). */
export interface Consent {
  readonly client: ClientShown
  /** What it is a token for. */
  readonly resource: string
  readonly person: string
  /** What is asked for and was not agreed to yet; nothing else. */
  readonly wanted: readonly ScopeAsked[]
  /** What was agreed to before. */
  readonly held: readonly ScopeWords[]
  readonly field: Html
  readonly signOutField: Html
  /** This very page. */
  readonly path: string
}

/** With what is sent back when it is ticked. */
interface ScopeAsked extends ScopeWords {
  readonly value: string
}

export interface ClientShown {
  readonly name: string
  /** The host of the document that describes it; undefined for those that were registered. */
  readonly host: string | undefined
  readonly origin: 'document' | 'administrator' | 'itself'
  /** Where the browser goes with the answer. */
  readonly redirect: string
  /** It takes answers on this machine only, so any program there can say it is this one. */
  readonly isLocal: boolean
}

const FOLDED_FROM = 6

export function consentPage(consent: Consent): Page {
  const { client, resource, wanted, held } = consent
  const isStepUp = held.length > 0 && wanted.length > 0
  const more = held.length > 0 ? ' again' : ''
  const title = isStepUp ? `Let ${client.name} do more?` : `Let ${client.name} in${more}?`
  return {
    title,
    isWide: true,
    body: html`<h1>${title}</h1>
      <p class="soft">
        It wants to use ${resource} for
        you${isStepUp && ', and needs more than you gave it so far'}.
      </p>
      ${facts(client)} ${client.isLocal && localWarning(client)}
      <form method="post" action="${consent.path}">
        ${consent.field} ${asked(wanted)} ${held.length > 0 && heldLine(held)}
        <div class="choice">
          <button type="submit" name="decision" value="deny" class="quiet">Deny</button>
          <button type="submit" name="decision" value="allow">Allow</button>
        </div>
      </form>
      ${ending(consent)}`,
  }
}

const REGISTERED: Readonly<Record<ClientShown['origin'], string>> = {
  document: 'by itself',
  administrator: 'by an administrator',
  itself: 'by itself; nobody checked its name',
}

const facts = ({ name, host, origin, redirect }: ClientShown): Html =>
  html`<dl>
    <dt>Program</dt>
    <dd>${name}</dd>
    <dt>${host === undefined ? 'Registered' : 'Described at'}</dt>
    <dd>${host ?? REGISTERED[origin]}</dd>
    <dt>Answer goes to</dt>
    <dd>${redirect}</dd>
  </dl>`

const localWarning = ({ name }: ClientShown): Html =>
  html`<div class="note warn" role="note">
    <p>
      This program runs on your own computer, where any other program could call itself “${name}”.
      Go on only if you started it yourself, just now.
    </p>
  </div>`

const asked = (wanted: readonly ScopeAsked[]): Html =>
  wanted.length === 0
    ? html`<p>It asks for nothing new.</p>`
    : html`<fieldset>
        <legend>It may then</legend>
        <ul class="scopes">
          ${wanted.map((one, at) => scopeItem(one, at, wanted.length === 1))}
        </ul>
      </fieldset>`

/** With one scope there is nothing to choose but yes or no. */
function scopeItem(one: ScopeAsked, at: number, isOnly: boolean): Html {
  const id = `scope-${String(at)}`
  const more = one.more !== undefined && html`<p class="tools" id="${id}-more">${one.more}</p>`
  const described = one.more !== undefined && html` aria-describedby="${id}-more"`
  return isOnly
    ? html`<li>
        <input type="hidden" name="scope" value="${one.value}" /><strong>${one.words}</strong>
        ${more} ${toolList(one)}
      </li>`
    : html`<li>
        <label for="${id}"
          ><input
            type="checkbox"
            id="${id}"
            name="scope"
            value="${one.value}"
            checked${described}
          /><span>${one.words}</span></label
        >
        ${more} ${toolList(one)}
      </li>`
}

function toolList({ tools, words }: ScopeWords): Html | undefined {
  if (tools.length === 0) return undefined
  const list = html`<ul class="tools">
    ${tools.map(
      ({ name, effect, isSharp }) =>
        html`<li><span>${name}</span><span${isSharp && html` class="sharp"`}>${effect}</span></li>`,
    )}
  </ul>`
  if (tools.length < FOLDED_FROM) return list
  const sharp = tools.filter(({ isSharp }) => isSharp).length
  return html`<details>
    <summary>
      ${tools.length} tools${sharp > 0 && `, ${String(sharp)} of them may delete or overwrite`}<span
        class="sr"
      >
        of: ${words}</span
      >
    </summary>
    ${list}
  </details>`
}

const heldLine = (held: readonly ScopeWords[]): Html =>
  html`<p class="small soft">It may already: ${held.map(({ words }) => words).join(' · ')}.</p>`

const ending = ({ person, path, signOutField }: Consent): Html =>
  html`<div class="end">
    <form method="post" action="/oauth/sign-out">
      ${signOutField}<input type="hidden" name="to" value="${path}" />Signed in as
      <strong>${person}</strong>. <button type="submit" class="link">Not you?</button>
    </form>
  </div>`
