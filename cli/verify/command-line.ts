/** The command line as reports show it. URLs keep host and database; user and password are removed. */
export function commandLine(argv: readonly string[]): string {
  return ['partywall', ...argv.slice(2).map((word) => quote(withoutSecrets(word)))].join(' ')
}

/** Removes user and password of a URL. Everything between `://` and the last `@` is removed, because a password may contain `@` and `/`. */
export function withoutSecrets(word: string): string {
  const start = word.indexOf('://')
  const end = word.lastIndexOf('@')
  const masked = start < 0 || end < start ? word : `${word.slice(0, start)}://…${word.slice(end)}`
  return masked.replace(/\b(password|secret|token)=[^&\s]*/gi, '$1=…')
}

function quote(word: string): string {
  return /^[\w@%+=:,./…*?&-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
