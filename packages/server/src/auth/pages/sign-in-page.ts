import { html, type Html } from './html.ts'
import type { Page } from './page.ts'

export interface SignInShown {
  readonly field: Html
  /** Where to go afterwards, on our own origin. */
  readonly to: string
  /** An older sign-in is not enough: why they are asked again is said. */
  readonly isAgain: boolean
  readonly name: string
  readonly problem: string | undefined
  readonly hasPasswords: boolean
  readonly passkey: PasskeyShown | undefined
  readonly provider: string | undefined
}

export interface PasskeyShown {
  readonly options: string
  readonly sealed: string
}

export function signInPage(shown: SignInShown): Page {
  const { isAgain, hasPasswords, passkey, provider } = shown
  return {
    title: isAgain ? 'Sign in once more' : 'Sign in',
    usesPasskeys: passkey !== undefined,
    body: html`<h1>${isAgain ? 'Sign in once more' : 'Sign in'}</h1>
      <p class="soft">
        ${isAgain ? 'This step needs to know that it is still you.' : 'To say what your programs may do.'}
      </p>
      ${provider !== undefined && providerForm(shown, provider)}
      ${provider !== undefined && hasPasswords && html`<p class="or" aria-hidden="true">or</p>`}
      ${hasPasswords && ownForm(shown)}`,
  }
}

const providerForm = ({ field, to, isAgain }: SignInShown, provider: string): Html =>
  html`<form method="post" action="/oauth/sign-in">
    ${field} ${carried(to, isAgain)}
    <input type="hidden" name="how" value="provider" />
    <button type="submit">Continue with ${provider}</button>
  </form>`

function ownForm(shown: SignInShown): Html {
  const { field, to, isAgain, name, problem, passkey } = shown
  const invalid = problem !== undefined && html` aria-invalid="true" aria-describedby="problem"`
  return html`<form method="post" action="/oauth/sign-in">
    ${field} ${carried(to, isAgain)}
    <input type="hidden" name="how" value="own" />
    ${
      problem !== undefined &&
      html`<div class="note bad" role="alert" id="problem"><p>${problem}</p></div>`
    }
    <div class="field">
      <label for="name">Name</label>
      <input
        type="text"
        id="name"
        name="name"
        value="${name}"
        required
        maxlength="64"
        autocomplete="username webauthn"
        autocapitalize="none"
        spellcheck="false"
        ${invalid}
        ${name === '' && html`autofocus`}
      />
    </div>
    <div class="field">
      <label for="password">Password</label>
      <input
        type="password"
        id="password"
        name="password"
        required
        maxlength="256"
        autocomplete="current-password"
        ${invalid}
        ${name !== '' && html`autofocus`}
      />
    </div>
    <button type="submit">Sign in</button>
    ${passkey && passkeyBox('get', passkey, 'Use a passkey')}
  </form>`
}

const carried = (to: string, isAgain: boolean): Html =>
  html`<input type="hidden" name="to" value="${to}" />${
      isAgain && html`<input type="hidden" name="again" value="yes" />`
    }`

/** Shown by the script, where the browser knows passkeys. */
export const passkeyBox = (
  how: 'get' | 'create',
  { options, sealed }: PasskeyShown,
  words: string,
): Html =>
  html`<div data-passkey="${how}" data-options="${options}" hidden>
    <p class="or" aria-hidden="true">or</p>
    <input type="hidden" name="passkey" value="" />
    <input type="hidden" name="challenge" value="${sealed}" />
    <button type="button" class="quiet">${words}</button>
    <p
      class="hint"
      role="status"
      data-failed="No passkey was used. Try again, or use your password."
    ></p>
  </div>`
