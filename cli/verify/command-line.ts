/** The command line as it may stand in a report: URLs keep host and database, and lose user and password. */
export function commandLine(argv: readonly string[]): string {
  return ['partywall', ...argv.slice(2).map((word) => quote(withoutSecrets(word)))].join(' ')
}

/** A text without user and password of a URL. Everything between `://` and the last `@` goes, because a password may contain `@` and `/`. */
export function withoutSecrets(word: string): string {
  const start = word.indexOf('://')
  const end = word.lastIndexOf('@')
  const masked = start < 0 || end < start ? word : `${word.slice(0, start)}://…${word.slice(end)}`
  return masked.replace(/\b(password|secret|token)=[^&\s]*/gi, '$1=…')
}

function quote(word: string): string {
  return /^[\w@%+=:,./…*?&-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
