/** The grant `resource:*` for each resource in a union of permission names: `documents:read` gives `documents:*`. */
type WildcardOf<P extends string> = P extends `${infer Resource}:${string}` ? `${Resource}:*` : never

/** A grant for a role: one permission, all permissions of a resource (`documents:*`), or all (`*`). */
export type GrantPattern<P extends string = string> = P | WildcardOf<P> | '*'

const permissionForm = /^[\w.-]+(?::[\w.-]+)+$/
const patternForm = /^(?:\*|[\w.-]+(?::[\w.-]+)*:(?:\*|[\w.-]+))$/

/** Whether a text is a permission that can be checked: two or more parts without a wildcard, such as `documents:read`. */
export function isPermissionName(text: unknown): text is string {
  return typeof text === 'string' && permissionForm.test(text)
}

/** Whether a text can be granted: a permission, `documents:*` or `*`. A wildcard stands for whole parts, at the end. */
export function isGrantPattern(text: unknown): text is string {
  return typeof text === 'string' && patternForm.test(text)
}

/** Whether a grant covers a permission. `documents:*` covers `documents:read` and `documents:comments:read`, not `documents2:read`. */
export function covers(pattern: string, permission: string): boolean {
  if (pattern === '*' || pattern === permission) return true
  return pattern.endsWith(':*') && permission.startsWith(pattern.slice(0, -1))
}
