import { html, type Html, type Person } from '#auth'
import type { Connection } from '#vault'

interface Asked {
  readonly connection: Connection
  /** Where the server is. */
  readonly address: string
  readonly person: Person
  readonly field: Html
}

interface Page {
  readonly title: string
  readonly body: Html
}

/** What somebody decides before we send them to another account server (OC19). */
export function connectPage({ connection, address, person, field }: Asked): Page {
  const { id, server, scopes, issuer, principal } = connection
  const title = `Connect ${server}?`
  return {
    title,
    body: html`<h1>${title}</h1>
      <p class="soft">
        ${
          principal === undefined
            ? 'Every call through this gateway will use this account.'
            : 'Calls that your programs make through this gateway will use your account there, and nobody else’s will.'
        }
      </p>
      <dl>
        <dt>Server</dt>
        <dd>${address === '' ? server : address}</dd>
        ${
          issuer !== undefined &&
          html`<dt>You agree at</dt>
            <dd>${new URL(issuer).host}</dd>`
        }
        <dt>It is asked for</dt>
        <dd>${scopes.length === 0 ? 'what the server says it needs' : scopes.join(', ')}</dd>
        <dt>For</dt>
        <dd>${principal === undefined ? 'everybody who uses this gateway' : person.name}</dd>
      </dl>
      <form method="post" action="/connect/${encodeURIComponent(id)}">
        ${field}
        <button type="submit">Continue</button>
      </form>
      <div class="end">
        <p>
          The key you are given stays here, sealed; no program sees it. Did nobody ask you to open
          this page? Then close it.
        </p>
      </div>`,
  }
}

/** It is done: the next step is elsewhere. */
export const connectedPage = (server: string): Page => ({
  title: `${server} is connected`,
  body: html`<h1>${server} is connected</h1>
    <p>You can close this window and go on where you were: call again, and it will work.</p>`,
})
