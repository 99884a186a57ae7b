// A browser without JavaScript: it keeps cookies, follows redirects, and fills in forms.

import assert from 'node:assert/strict'

/** A page as somebody sees it. */
export interface Page {
  readonly url: URL
  readonly status: number
  readonly html: string
  /** Sends its form with these fields beside those it came with; `button` is pressed by its value. */
  readonly submit: (fields?: Readonly<Record<string, string>>, button?: string) => Promise<Page>
  /** The text without its markup. */
  readonly text: string
}

export interface FormBrowser {
  readonly cookies: Map<string, string>
  /** Follows redirects on this origin, and stops at the first that leads elsewhere. */
  readonly open: (url: string | URL) => Promise<Page>
}

const REDIRECTS_MAX = 20

interface Sending {
  readonly method?: string
  readonly body?: URLSearchParams
  readonly headers?: Readonly<Record<string, string>>
}

/** `home` is the origin whose cookies are kept; what leads elsewhere is not opened. */
export function makeFormBrowser(home: string): FormBrowser {
  const cookies = new Map<string, string>()
  const keep = (header: string): void => {
    const [pair = ''] = header.split(';', 1)
    const at = pair.indexOf('=')
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)]
    const isOver = /;\s*(?:max-age=0|expires=Thu, 01 Jan 1970)/i.test(header) || value === ''
    if (isOver) cookies.delete(name)
    else cookies.set(name, value)
  }
  const visit = async (first: URL, init: Sending): Promise<Page> => {
    let url = first
    let request: Sending = init
    for (let hop = 0; hop < REDIRECTS_MAX; hop++) {
      if (url.origin !== home) return pageOf(url, 0, '')
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(url, {
        ...request,
        redirect: 'manual',
        headers: { ...request.headers, ...(cookie === '' ? {} : { cookie }) },
      })
      response.headers.getSetCookie().forEach(keep)
      const location = response.headers.get('location')
      const html = location === null ? await response.text() : ''
      const onward = location ?? refreshIn(html)
      if (onward === undefined) return pageOf(url, response.status, html)
      if (location !== null) await response.body?.cancel()
      url = new URL(onward, url)
      request = {}
    }
    throw new Error(`no end of redirects at ${url.href}`)
  }
  const pageOf = (url: URL, status: number, html: string): Page => ({
    url,
    status,
    html,
    text: textOf(html),
    submit: (fields = {}, button) => {
      const form = formIn(html, button)
      const body = new URLSearchParams(form.fields)
      for (const [name, value] of Object.entries(fields)) {
        body.delete(name)
        if (value !== '') body.append(name, value)
      }
      const target = new URL(form.action, url)
      const origin = url.origin
      return visit(target, {
        method: 'POST',
        body,
        headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
      })
    },
  })
  return { cookies, open: (url) => visit(new URL(url), {}) }
}

/** Where a page goes on to by itself. */
const refreshIn = (html: string): string | undefined =>
  /<meta http-equiv="refresh" content="0; url=&#39;([^"]*)&#39;"/
    .exec(html)?.[1]
    ?.replaceAll('&amp;', '&')

interface Form {
  readonly action: string
  readonly fields: [string, string][]
}

/** The first form, or the one that has this button. */
function formIn(html: string, button: string | undefined): Form {
  const forms = [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)]
  const has = (inner: string): boolean =>
    button === undefined ||
    [...inner.matchAll(/<button\b([^>]*)>/g)].some(
      ([, at = '']) => attribute(at, 'value') === button,
    )
  const found = forms.find(([, , inner = '']) => has(inner))
  assert.ok(found, `there is no such form on the page:\n${textOf(html)}`)
  const [, head = '', inner = ''] = found
  return { action: attribute(head, 'action') ?? '', fields: fieldsIn(inner, button) }
}

function fieldsIn(inner: string, button: string | undefined): [string, string][] {
  const fields: [string, string][] = []
  for (const [, tag = '', at = ''] of inner.matchAll(/<(input|button)\b([^>]*)>/g)) {
    const name = attribute(at, 'name')
    const value = attribute(at, 'value')
    const isSent =
      tag === 'button'
        ? button !== undefined && value === button
        : !/type="?(?:checkbox|radio)/.test(at) || /\bchecked\b/.test(at)
    if (name !== undefined && isSent) fields.push([name, value ?? 'on'])
  }
  return fields
}

function attribute(tag: string, name: string): string | undefined {
  const found = new RegExp(`\\b${name}=(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`).exec(tag)
  const value = found?.[1] ?? found?.[2] ?? found?.[3]
  return value === undefined ? undefined : unescaped(value)
}

const unescaped = (text: string): string =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll(/&#39;|&#x27;/g, "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

const textOf = (html: string): string =>
  unescaped(
    html
      .replaceAll(/<(style|script|head)\b[\s\S]*?<\/\1>/g, ' ')
      .replaceAll(/<[^>]+>/g, ' ')
      .replaceAll(/\s+/g, ' '),
  ).trim()
