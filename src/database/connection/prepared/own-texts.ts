const ownTexts = new Set<string>()

/**
 * Declares a text of partywall's own that every tenant sends, so that a connection prepares it when it is first sent, even inside a
 * transaction.
 *
 * A text may be declared only if nothing that a tenant sets earlier in its transaction can change what the kept plan does. So it has no
 * literals, it qualifies all names, and it returns no rows: PostgreSQL then never refuses the plan after a change of the table ("cached
 * plan must not change result type"), which would end the transaction.
 *
 * @returns the text
 */
export function ownText(text: string): string {
  ownTexts.add(text)
  return text
}

/** Whether the text was declared by {@link ownText}. */
export function isOwnText(text: string): boolean {
  return ownTexts.has(text)
}
