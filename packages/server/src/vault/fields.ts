import { own, type JsonObject } from '@countersign/contract'

/** The text that stands there; '' where none does, which is the id of nothing. */
export function textAt(json: JsonObject | undefined, key: string): string {
  const value = json && own(json, key)
  return typeof value === 'string' ? value : ''
}

export function textsAt(json: JsonObject | undefined, key: string): readonly string[] {
  const value = json && own(json, key)
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
