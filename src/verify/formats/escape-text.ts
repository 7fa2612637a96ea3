/** For one line of a terminal or a log: nothing in a name or a server's message may move the cursor or forge a line. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}

/** For several lines: keeps line breaks, nothing else that a terminal obeys. */
export function plainLines(text: string): string[] {
  return text.split(/\r?\n/).map((line) =>
    line
      .replaceAll('\t', '  ')
      .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
      .trimEnd(),
  )
}

const markup: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** For text and attributes of XML and HTML. What XML 1.0 forbids, or what turns the direction of text, becomes U+FFFD. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (char) => markup[char] ?? char).replace(/[^\P{C}\n\r\t]|[\ufffe\uffff]/gu, '\ufffd')
}

/** JSON whose text a terminal may show as it is: JSON.stringify leaves DEL, C1 and direction marks unescaped. */
export function printableJson(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2)
  return text.replace(/[^\P{C}\n]/gu, (char) =>
    char
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** For a table cell or a sentence of Markdown. */
export function escapeMarkdown(text: string): string {
  return oneLine(text).replace(/[\\`*_{}[\]<>|#]/g, (char) => `\\${char}`)
}

/** A fence that the text can't close. */
export function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${plainLines(text).join('\n')}\n${fence}`
}
