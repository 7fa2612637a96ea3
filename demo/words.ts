/** What a code means, for readers who don't know PostgreSQL's codes by heart. */
const MEANINGS: Readonly<Record<string, string>> = {
  '42501': 'refused by a policy or privilege',
  '23503': 'refused by the foreign key',
  '25006': 'refused, read-only',
  '428C9': 'refused, the database writes that column itself',
  PARTYWALL_STATEMENT_REFUSED: 'refused by the pool',
  PARTYWALL_CONTEXT_MISSING: 'refused, no tenant',
}

/** The text with a meaning in front of each code: `INSERT 42501` becomes `INSERT refused by a policy or privilege (42501)`. */
export function explainCodes(text: string): string {
  return text.replace(/\b(42501|23503|25006|428C9|PARTYWALL_[A-Z_]+)\b/g, (code) => {
    const meaning = MEANINGS[code]
    return meaning === undefined ? code : `${meaning} (${code})`
  })
}
