import type { Log } from '#telemetry'
import { Unfetched, type SafeFetch } from '../safe-fetch.ts'
import type { Reach } from '../settings.ts'

/** Statuses with which no `Response` may have a body. */
const BODILESS = [101, 103, 204, 205, 304]

/**
 * How the provider fetches what a client names: its document, its keys. Addresses are checked before
 * anything connects and redirects come back as they are (SS3, SS5); failures are ours to read (SS8).
 */
export const fetchFor =
  (safeFetch: SafeFetch, log: Log, reach: Reach) =>
  async (input: string | Request | URL): Promise<Response> => {
    const url = input instanceof Request ? input.url : input.toString()
    try {
      const { status, headers, text } = await safeFetch.ask({ url, reach })
      const told = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
        typeof value === 'string' ? [[name, value]] : [],
      )
      return new Response(BODILESS.includes(status) ? null : text, { status, headers: told })
    } catch (thrown) {
      const why = thrown instanceof Unfetched ? thrown.message : String(thrown)
      log.warn({ url: url.slice(0, 512), why }, 'a document of a client cannot be fetched')
      throw thrown
    }
  }
