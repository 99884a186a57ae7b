/**
 * Names and messages come from others: nothing in them may reach the terminal as a command. What is
 * not shown is escaped as JSON escapes it, so that JSON stays the same value.
 */
export const printable = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) =>
    Array.from(
      { length: char.length },
      (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
