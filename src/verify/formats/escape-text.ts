/** Makes a text safe for one line of a terminal or log: a name or a server's message must not move the cursor or forge a line. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}

/** Makes a text safe for several lines: keeps line breaks and removes all other control characters. */
export function plainLines(text: string): string[] {
  return text.split(/\r?\n/).map((line) =>
    line
      .replaceAll('\t', '  ')
      .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
      .trimEnd(),
  )
}

const markup: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Escapes text and attributes of XML and HTML. Characters that XML 1.0 forbids or that change the text direction become U+FFFD. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (char) => markup[char] ?? char).replace(/[^\P{C}\n\r\t]|[\ufffe\uffff]/gu, '\ufffd')
}

/** JSON that is safe to print in a terminal: it also escapes DEL, C1 and direction marks, which JSON.stringify does not. */
export function printableJson(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2)
  return text.replace(/[^\P{C}\n]/gu, (char) =>
    char
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** Escapes text for a table cell or a sentence of Markdown. */
export function escapeMarkdown(text: string): string {
  return oneLine(text).replace(/[\\`*_{}[\]<>|#]/g, (char) => `\\${char}`)
}

/** A fenced code block of Markdown whose fence is longer than any run of backticks in the text. */
export function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${plainLines(text).join('\n')}\n${fence}`
}
