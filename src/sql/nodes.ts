/** A node of the server's parse tree as JSON; the code that reads it checks its shape. */
export type Node = Readonly<Record<string, unknown>>

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function nodeOf(value: unknown): Node | undefined {
  return isNode(value) ? value : undefined
}

export function nodesOf(value: unknown): readonly Node[] {
  return Array.isArray(value) ? value.filter(isNode) : []
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

/** Splits `{ FuncCall: {…} }` into its name and its fields. */
export function unwrap(node: Node): readonly [string, Node] {
  for (const [name, fields] of Object.entries(node)) if (isNode(fields)) return [name, fields]
  return ['', {}]
}

/** The strings of a list of `String` nodes: the parts of a name. */
export function namesOf(value: unknown): readonly string[] {
  return nodesOf(value).flatMap((node) => {
    const [kind, fields] = unwrap(node)
    return kind === 'String' ? [textOf(fields['sval']) ?? ''] : kind === 'A_Star' ? ['*'] : []
  })
}
