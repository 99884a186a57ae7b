import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { SignIns } from '../people/person.ts'

/** What the authorization server knows of people; who they are is for others to find out. */
export interface People extends SignIns {
  /** Whether somebody of this subject may have tokens: now, and not only when they were given. */
  readonly isWelcome: (subject: string) => Promise<boolean>
}

/** The pages on which people sign in and consent, for one provider (it is made anew with its keys). */
export type Interactions = (
  provider: Provider,
) => (request: IncomingMessage, response: ServerResponse, uid: string) => Promise<void>

/** What is served beside the protocol, below the same prefix. False: it is none of these pages. */
export type Pages = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>

/** A page that says what went wrong; nothing of what was sent is shown on it. */
export type ProblemPage = (problem: { readonly error: string; readonly description: string }) => {
  readonly html: string
  readonly headers: Readonly<Record<string, string>>
}
