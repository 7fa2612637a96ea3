// dbmate, goose, sql-migrate and node-pg-migrate keep up and down migration in one file, and mark them by comments.
const up = /^--\s*(?:migrate:up|\+goose\s+up|\+migrate\s+up|up\s+migration)\b/im
const down = /^--\s*(?:migrate:down|\+goose\s+down|\+migrate\s+down|down\s+migration)\b/im
/**
 * Used instead of `down` if the file does not mark its up migration: then a sentence such as "Down migration: see down.sql" is only a
 * comment.
 */
const downAlone = /^--\s*(?:(?:migrate:down|\+goose\s+down|\+migrate\s+down)\b|down\s+migration[ \t-]*$)/im

/** The text without its marked down migration. Line numbers do not change: the section is cut at the end, or blanked. */
export function cutDownSection(text: string): { readonly text: string; readonly cut: boolean } {
  const upAt = up.exec(text)?.index
  const downAt = (upAt === undefined ? downAlone : down).exec(text)?.index
  if (downAt === undefined) return { text, cut: false }
  if (upAt !== undefined && upAt > downAt) {
    return {
      text: text.slice(0, downAt) + text.slice(downAt, upAt).replace(/[^\n]/g, ' ') + text.slice(upAt),
      cut: true,
    }
  }
  return { text: text.slice(0, downAt), cut: true }
}
