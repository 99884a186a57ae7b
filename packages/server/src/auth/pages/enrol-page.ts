import { html, type Html } from './html.ts'
import type { Page } from './page.ts'
import { passkeyBox, type PasskeyShown } from './sign-in-page.ts'

export interface EnrolShown {
  readonly path: string
  readonly field: Html
  readonly name: string
  readonly problem:
    | { readonly at: 'password' | 'repeat' | 'passkey'; readonly words: string }
    | undefined
  readonly passkey: PasskeyShown | undefined
  /** They had a password or passkeys before: these are replaced. */
  readonly isAgain: boolean
  readonly charsMin: number
}

const problemNote = (words: string | undefined): Html | undefined =>
  words === undefined
    ? undefined
    : html`<div class="note bad" role="alert" id="problem"><p>${words}</p></div>`

const INVALID = html` aria-invalid="true" aria-describedby="problem"`

export function enrolPage(shown: EnrolShown): Page {
  const { path, field, name, problem, passkey, isAgain, charsMin } = shown
  return {
    title: `Welcome, ${name}`,
    usesPasskeys: passkey !== undefined,
    body: html`<h1>Welcome, ${name}</h1>
      <p class="soft">
        ${passkey ? 'Choose how you sign in from now on: a password, or a passkey of this device.' : 'Choose a password to sign in with from now on.'}
        ${isAgain && 'What you used before stops working.'}
      </p>
      <form method="post" action="${path}">
        ${field} ${problemNote(problem?.words)}
        <input
          type="text"
          class="sr"
          name="username"
          value="${name}"
          autocomplete="username"
          readonly
          tabindex="-1"
          aria-hidden="true"
        />
        <div class="field">
          <label for="password">New password</label>
          <input
            type="password"
            id="password"
            name="password"
            required
            maxlength="256"
            autocomplete="new-password"
            aria-describedby="rule${problem?.at === 'password' && ' problem'}"
            ${problem?.at === 'password' && html` aria-invalid="true"`}
          />
          <p class="hint" id="rule">At least ${charsMin} characters. A few words are fine.</p>
        </div>
        <div class="field">
          <label for="repeat">The same again</label>
          <input
            type="password"
            id="repeat"
            name="repeat"
            required
            maxlength="256"
            autocomplete="new-password"
            ${problem?.at === 'repeat' && INVALID}
          />
        </div>
        <button type="submit">Set password</button>
        ${passkey && passkeyBox('create', passkey, 'Create a passkey instead')}
      </form>`,
  }
}

export interface FirstShown {
  readonly path: string
  readonly field: Html
  readonly name: string
  readonly problem: string | undefined
}

/** The first account, which has no name yet. */
export const firstAccountPage = ({ path, field, name, problem }: FirstShown): Page => ({
  title: 'The first account',
  body: html`<h1>The first account</h1>
    <p class="soft">Nobody can sign in here yet. You will be the first.</p>
    <form method="post" action="${path}">
      ${field} ${problemNote(problem)}
      <div class="field">
        <label for="name">Your name here</label>
        <input
          type="text"
          id="name"
          name="name"
          value="${name}"
          required
          maxlength="64"
          autocomplete="username"
          autocapitalize="none"
          spellcheck="false"
          autofocus
          aria-describedby="rule${problem !== undefined && ' problem'}"
          ${problem !== undefined && html` aria-invalid="true"`}
        />
        <p class="hint" id="rule">You sign in with it. A short one, such as ada.</p>
      </div>
      <button type="submit">Next</button>
    </form>`,
})
