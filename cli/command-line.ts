/** The command line as it may stand in a report: URLs keep host and database, and lose user and password. */
export function commandLine(argv: readonly string[]): string {
  return ['partywall', ...argv.slice(2).map((word) => quote(withoutSecrets(word)))].join(' ')
}

const LOGIN = /([a-z][a-z0-9+.-]*:\/\/)[^@/\s]*@/gi

function withoutSecrets(word: string): string {
  return word.replace(LOGIN, '$1…@').replace(/(password|secret|token)=[^&\s]*/gi, '$1=…')
}

function quote(word: string): string {
  return /^[\w@%+=:,./…*?&-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
