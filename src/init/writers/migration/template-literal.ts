/** SQL as a template literal of JavaScript. */
export function templateLiteral(sql: string): string {
  return `\`${sql.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\``
}
