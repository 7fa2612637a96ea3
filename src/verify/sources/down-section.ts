// Tools that keep both ways in one file mark them by a comment: dbmate, goose, sql-migrate, node-pg-migrate.
const up = /^--\s*(?:migrate:up|\+goose\s+up|\+migrate\s+up|up\s+migration)\b/im
const down = /^--\s*(?:migrate:down|\+goose\s+down|\+migrate\s+down|down\s+migration)\b/im

/** The text without its marked way back. Lines keep their numbers: what is cut stands at the end, or is blanked. */
export function cutDownSection(text: string): { readonly text: string; readonly cut: boolean } {
  const downAt = down.exec(text)?.index
  if (downAt === undefined) return { text, cut: false }
  const upAt = up.exec(text)?.index
  if (upAt !== undefined && upAt > downAt) {
    return {
      text: text.slice(0, downAt) + text.slice(downAt, upAt).replace(/[^\n]/g, ' ') + text.slice(upAt),
      cut: true,
    }
  }
  return { text: text.slice(0, downAt), cut: true }
}
