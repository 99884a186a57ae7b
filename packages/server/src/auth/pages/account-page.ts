import { html, type Html } from './html.ts'
import type { Page } from './page.ts'

export interface AccountShown {
  readonly name: string
  readonly means: string
  readonly signOutField: Html
}

/** Where somebody lands who signed in without anything to go on with. */
export const accountPage = ({ name, means, signOutField }: AccountShown): Page => ({
  title: 'You are signed in',
  body: html`<h1>You are signed in</h1>
    <p>
      As <strong>${name}</strong>, with ${means}. You can close this window: programs that need your
      word open one of their own.
    </p>
    <form method="post" action="/oauth/sign-out">
      ${signOutField}
      <button type="submit" class="quiet">Sign out</button>
    </form>`,
})
