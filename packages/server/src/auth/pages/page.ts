import type { ServerResponse } from 'node:http'
import { html, type Html } from './html.ts'
import { PASSKEY_INTEGRITY, PASSKEY_PATH } from './passkey-script.ts'
import { STYLE, STYLE_HASH } from './style.ts'

export interface Page {
  readonly title: string
  readonly body: Html
  /** Whether the script for passkeys belongs to it. */
  readonly usesPasskeys?: boolean
  /** For pages that list things. */
  readonly isWide?: boolean
  /** Where the browser goes by itself. */
  readonly onward?: string
}

/** A mark that is signed: the second stroke crosses the first. */
const BRAND = html`<svg
  viewBox="0 0 24 24"
  fill="none"
  stroke="currentColor"
  stroke-width="1.9"
  stroke-linecap="round"
  stroke-linejoin="round"
  aria-hidden="true"
  focusable="false"
>
  <path d="M12 2.8 4.6 5.6v5.7c0 4.5 3 8 7.4 9.9 4.4-1.9 7.4-5.4 7.4-9.9V5.6Z" />
  <path d="M7.8 13.6c1.6-3.4 3.1-3.4 3 0 1.5-2.9 2.8-2.9 2.9-.2.5-1.200 1.300-1.600 2.500-1.500" />
</svg>`

const HEAD = html`<meta charset="utf-8" />
  <meta name="viewport" content="width=device-width, initial-scale=1" />
  <meta name="robots" content="noindex" />`.toString()

const textOf = ({ title, body, usesPasskeys, isWide, onward }: Page): string =>
  `<!doctype html><html lang="en"><head>${HEAD}${String(html`<title>${title} · Countersign</title>`)}${
    onward === undefined
      ? ''
      : String(html`<meta http-equiv="refresh" content="0; url=${quoted(onward)}" />`)
  }<style>${STYLE}</style>${
    usesPasskeys === true
      ? String(html`<script src="${PASSKEY_PATH}" integrity="${PASSKEY_INTEGRITY}" defer></script>`)
      : ''
  }</head><body>${String(
    html`<header class="brand">${BRAND}<span>Countersign</span></header>
      <main${isWide === true && html` class="wide"`}>${body}</main>`,
  )}</body></html>\n`

/** The URL in a refresh may be quoted, and ends at that quote. */
const quoted = (url: string): string => `'${url.replaceAll("'", '%27')}'`

/**
 * What a page may do: show itself, and send forms to us. Nothing may frame it (AS23). A form is
 * never redirected to another host, which browsers would refuse: a page of ours goes there instead.
 */
const policyOf = ({ usesPasskeys }: Page, origin: string): string =>
  [
    "default-src 'none'",
    `style-src '${STYLE_HASH}'`,
    ...(usesPasskeys === true ? [`script-src ${origin}${PASSKEY_PATH}`] : []),
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')

export interface Sheet {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A page with the headers that belong to it, for the clients of `origin`. */
export const sheetOf = (page: Page, origin: string): Sheet => ({
  headers: {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policyOf(page, origin),
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    // With `no-referrer` a form would come with `Origin: null`, which nobody could check.
    'referrer-policy': 'same-origin',
  },
  body: textOf(page),
})

export function sendSheet(
  response: ServerResponse,
  status: number,
  { headers, body }: Sheet,
): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
