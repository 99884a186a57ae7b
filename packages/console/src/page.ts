/** Servers, tools and recent calls on one page, from what the admin API answers and nothing else. */
import { own, type Admin, type JsonObject } from '@countersign/contract'
import { html, type Html } from './html.ts'

type Answer<Name extends keyof Admin> = Awaited<ReturnType<Admin[Name]>>

/** Answers of the admin API, as they came. */
export interface Seen {
  readonly servers: Answer<'listServers'>
  readonly tools: Answer<'listTools'>
  readonly entries: Answer<'listEntries'>
}

/** A complete HTML document without scripts; the newest call comes first. */
export function page({ servers, tools, entries }: Seen): string {
  const closings = new Map(
    entries.flatMap(({ kind, call, body }) =>
      kind === 'call.closed' && call !== undefined ? [[call, body] as const] : [],
    ),
  )
  const calls = entries.filter(({ kind }) => kind === 'call.opened').toReversed()
  return String(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <title>Countersign</title>
        </head>
        <body>
          <main>
            <h1>Countersign</h1>
            ${table(
              'Servers',
              ['Server', 'State', 'Revision', 'Tools', 'Calls under way', 'Problem'],
              servers.map((one) => [
                one.id,
                one.state,
                one.revision ?? '',
                one.tools,
                one.inFlight,
                [one.problem ?? [], one.problems].flat().join('; '),
              ]),
            )}
            ${table(
              'Tools',
              ['Tool', 'Server', 'Effect', 'Digest'],
              tools.map(({ name, server, effect, digest }) => [name, server, effect, digest]),
            )}
            ${table(
              'Recent calls',
              ['Call', 'Time', 'Server', 'Tool', 'Effect', 'Outcome'],
              calls.map(({ call = '', at, body }) => [
                call,
                new Date(at).toISOString(),
                said(body, 'server'),
                said(body, 'name'),
                said(body, 'effect'),
                outcomeOf(closings.get(call)),
              ]),
            )}
          </main>
        </body>
      </html> `,
  )
}

/** What is open at this moment and what a crash left open look the same until the next start. */
const outcomeOf = (closing: JsonObject | undefined): string =>
  closing === undefined ? 'open' : said(closing, 'outcome')

function said(body: JsonObject, key: string): string {
  const value = own(body, key)
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

type Cell = string | number

/** The first cell of a row names it. */
function table(caption: string, head: readonly string[], rows: readonly (readonly Cell[])[]): Html {
  return html`<table>
    <caption>
      ${caption} (${rows.length})
    </caption>
    <thead>
      <tr>
        ${head.map((name) => html`<th scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ([first = '', ...rest]) =>
          html` <tr>
            <th scope="row">${first}</th>
            ${rest.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`
}
