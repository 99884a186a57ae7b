import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Seal, World } from '#base'
import { makeForms, type Forms } from './forms.ts'
import { html, type Html } from './html.ts'
import { sendSheet, sheetOf, type Page, type Sheet } from './page.ts'
import type { PageRefusal } from './refusal.ts'

/** How the house speaks to people: pages under its public origin, with forms that can be trusted. */
export interface Pages {
  readonly origin: string
  readonly forms: Forms
  readonly send: (response: ServerResponse, status: number, page: Page) => void
  /** After a form: a page that goes on to `url`, with a link for browsers that do not. */
  readonly sendOnward: (response: ServerResponse, url: string, said: Onward) => void
  /** After a link: straight on. */
  readonly redirect: (response: ServerResponse, path: string) => void
  readonly refuse: (response: ServerResponse, refusal: PageRefusal) => void
  readonly refusalSheet: (refusal: PageRefusal) => Sheet
}

interface Onward {
  readonly title: string
  readonly words?: string | Html
}

export function makePages(world: World, seal: Seal, origin: string): Pages {
  const send: Pages['send'] = (response, status, page) => {
    sendSheet(response, status, sheetOf(page, origin))
  }
  const refusalSheet = (refusal: PageRefusal): Sheet => sheetOf(refusalPage(refusal), origin)
  return {
    origin,
    forms: makeForms(world, seal, origin),
    send,
    sendOnward: (response, url, { title, words }) => {
      const body = html`<h1>${title}</h1>
        <p class="soft">${words ?? 'One moment.'}</p>
        <p class="small"><a href="${url}">Continue</a> if nothing happens.</p>`
      send(response, 200, { title, body, onward: url })
    },
    redirect: (response, path) => {
      response.writeHead(303, {
        location: path,
        'cache-control': 'no-store',
        'content-length': '0',
        'referrer-policy': 'same-origin',
      })
      response.end()
    },
    refuse: (response, refusal) => {
      leaveRest(response)
      sendSheet(response, refusal.status, refusalSheet(refusal))
    },
    refusalSheet,
  }
}

const refusalPage = ({ title, message, more }: PageRefusal): Page => ({
  title,
  body: html`<h1>${title}</h1>
    <p>${message}</p>
    ${more}`,
})

/** What is left of a refused body is not read: the connection cannot serve another request. */
function leaveRest(response: ServerResponse): void {
  const request: IncomingMessage = response.req
  if (!request.complete && !response.headersSent) response.setHeader('connection', 'close')
}
