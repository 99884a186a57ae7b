// A real browser, and what it has to say about a page.

import { existsSync, readFileSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const found = PLACES.find((path) => existsSync(path))

/** Why tests in a browser do not run here; undefined where they do. */
export const NO_BROWSER =
  found === undefined ? `no Chromium here: looked for ${PLACES.join(', ')}` : undefined

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: found ?? '',
    // As root, as in most containers, Chromium cannot build its sandbox.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })

/** Everything that a page was kept from doing, or that went wrong in it. */
export function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || /content security policy/i.test(message.text())) {
      complaints.push(message.text())
    }
  })
  page.on('pageerror', (error) => {
    complaints.push(String(error))
  })
  return complaints
}

/** What somebody who sees, hears or types otherwise would stumble over on this page. */
export const hurdlesOf = (page: Page): Promise<readonly string[]> => inside(page, 'hurdles')

/** What a page tried that it may not: each kind of thing once. */
export const blockedIn = (page: Page): Promise<readonly string[]> => inside(page, 'trespass')

/** Runs the function of this name, from the file of this name, in the page. */
const inside = (page: Page, name: string): Promise<readonly string[]> => {
  const text = readFileSync(new URL(`${name}.mjs`, import.meta.url), 'utf8')
  return page.evaluate(`${text}\n${name}()`)
}
