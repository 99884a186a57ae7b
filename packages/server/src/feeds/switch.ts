import type { Records } from '#store'

/** What operators, or the receiver itself, said about a webhook; read by whichever node serves it. */
interface SwitchState {
  /** Why it is off; undefined while it is on. */
  readonly off?: string
  /** Rises each time somebody wants it tried at once. */
  readonly tries: number
}

export interface Switch {
  readonly read: () => Promise<SwitchState>
  readonly turnOff: (why: string) => Promise<void>
  /** On again, and tried at once. True when it was off. */
  readonly turnOn: () => Promise<boolean>
}

const KIND = 'WebhookSwitch'

export function openSwitch(records: Records, name: string): Switch {
  const read = async (): Promise<SwitchState> => {
    const value = (await records.get(KIND, name))?.value ?? {}
    const { off, tries } = value
    return { tries: Number(tries ?? 0), ...(typeof off === 'string' ? { off } : {}) }
  }
  return {
    read,
    turnOff: async (why) => {
      await records.put(KIND, name, { ...(await read()), off: why })
    },
    turnOn: async () => {
      const { off, tries } = await read()
      await records.put(KIND, name, { tries: tries + 1 })
      return off !== undefined
    },
  }
}
