import type { IncomingMessage, ServerResponse } from 'node:http'
import { html } from '../pages/html.ts'
import type { Pages } from '../pages/pages.ts'
import type { Sessions } from './sessions.ts'
import { pathOnOrigin } from './way-back.ts'

export const SIGN_OUT_FORM = 'sign-out'

/** Ends the sign-in of this browser; by a form alone, so that no link of another page can. */
export async function signOut(
  pages: Pages,
  sessions: Sessions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'POST') {
    const field = pages.forms.field(request, response, SIGN_OUT_FORM)
    pages.send(response, 200, {
      title: 'Sign out',
      body: html`<h1>Sign out</h1>
        <p class="soft">Programs that you let in stay connected.</p>
        <form method="post" action="/oauth/sign-out">
          ${field}<button type="submit">Sign out</button>
        </form>`,
    })
    return
  }
  const form = await pages.forms.read(request, SIGN_OUT_FORM)
  await sessions.end(request, response)
  const to = pathOnOrigin(form.text('to'), pages.origin)
  pages.sendOnward(response, to === undefined ? '/oauth/sign-in' : to, { title: 'Signed out' })
}
