/** Answers to the questions of a tool under test. */
import { isObject, own, textAt, type JsonObject, type Json } from '@countersign/contract'

/** A question as it was asked: `schema` is the JSON schema of a form, `url` the page to visit. */
export interface Asked {
  readonly name: string
  readonly message: string
  readonly schema?: JsonObject
  readonly url?: string
}

/** What a person answers: the filled-in form, or that they do not want to. A visited page: `{}`. */
export type Reply = JsonObject | 'decline' | 'cancel'

/** Replies by the name of the question, or whoever gives them. */
export type Answers =
  | Readonly<Record<string, Reply | ((asked: Asked) => Reply)>>
  | ((asked: Asked) => Reply)

/** Reads a question off a task that waits. */
export function toAsked(name: string, ask: Json): Asked {
  const params = isObject(ask) ? own(ask, 'params') : undefined
  const said = isObject(params) ? params : {}
  const schema = own(said, 'requestedSchema')
  const url = own(said, 'url')
  return {
    name,
    message: textAt(said, 'message'),
    ...(isObject(schema) ? { schema } : {}),
    ...(typeof url === 'string' ? { url } : {}),
  }
}

/** The reply to a question, as a client would send it. @throws Error when the test knows none. */
export function replyTo(answers: Answers, asked: Asked): JsonObject {
  const found = typeof answers === 'function' ? answers : replyNamed(answers, asked.name)
  const reply = typeof found === 'function' ? found(asked) : found
  if (reply === undefined) {
    throw new Error(`The tool asks "${asked.name}" (${asked.message}), and the test has no answer.`)
  }
  return typeof reply === 'string' ? { action: reply } : { action: 'accept', content: reply }
}

/** A question that is asked again is called `name-2`, and answered like the first. */
function replyNamed(
  answers: Exclude<Answers, (asked: Asked) => Reply>,
  name: string,
): Reply | ((asked: Asked) => Reply) | undefined {
  const first = name.replace(/-\d+$/, '')
  const at = Object.hasOwn(answers, name) ? name : first
  return Object.hasOwn(answers, at) ? answers[at] : undefined
}
