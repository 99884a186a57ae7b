/** What a client without a token is called by: its name and version, and its name whatever the version. */
export const clientNames = (label: string): readonly string[] => {
  const at = label.lastIndexOf(' ')
  return at < 0 ? [label] : [label, label.slice(0, at)]
}
