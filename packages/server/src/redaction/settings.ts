/** What is done about what is found: refused, covered, only told, or not looked for. */
export const MODES = ['block', 'mask', 'record', 'off'] as const
export type Mode = (typeof MODES)[number]

export const FAMILIES = ['secrets', 'personal'] as const
export type Family = (typeof FAMILIES)[number]

/** For what goes in and what comes out. */
export interface Directions {
  readonly in: Mode
  readonly out: Mode
}
export type Modes = Readonly<Record<Family, Directions>>
/** What is said of one server or tool: the rest is as it is above it. */
export type SomeModes = Readonly<Partial<Record<Family, Partial<Directions>>>>

export interface RedactionSettings {
  readonly default: Modes
  readonly servers: Readonly<
    Record<string, SomeModes & { readonly tools: Readonly<Record<string, SomeModes>> }>
  >
  /** The most text of one value that is looked at. */
  readonly charsMax: number
  /** What becomes of a value with more, where something would be refused or covered. */
  readonly tooMuch: 'block' | 'pass'
}

/** What holds for one thing: the word on the tool, else on its server, else the default. */
export function modesFor(
  settings: RedactionSettings,
): (server: string, name: string | undefined) => Modes {
  const servers = new Map(Object.entries(settings.servers))
  return (server, name) => {
    const said = servers.get(server)
    if (!said) return settings.default
    const { tools } = said
    const of = name !== undefined && Object.hasOwn(tools, name) ? tools[name] : undefined
    const family = (which: Family): Directions => ({
      ...settings.default[which],
      ...said[which],
      ...of?.[which],
    })
    return { secrets: family('secrets'), personal: family('personal') }
  }
}
