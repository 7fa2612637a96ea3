/** Properties in which libraries keep a wrapped error: Drizzle and JavaScript itself, Sequelize (two), Objection, TypeORM. */
const LINKS = ['cause', 'parent', 'original', 'nativeError', 'driverError'] as const

/** Maximum number of errors that are looked at. The number is limited, because an error may refer to itself. */
const MAX_LOOKED_AT = 20

/**
 * An error and the errors that it wraps, outermost first.
 *
 * If an error has an HTTP status, the application has decided its meaning, so errors inside it are not returned.
 */
export function innerErrors(error: Error): readonly object[] {
  if (typeof Reflect.get(error, 'status') === 'number' || typeof Reflect.get(error, 'statusCode') === 'number')
    return [error]
  const found: object[] = [error]
  for (let at = 0; at < found.length && found.length < MAX_LOOKED_AT; at++) {
    const each = found[at]
    if (each === undefined) break
    const inside = LINKS.map((link): unknown => Reflect.get(each, link))
    // Prisma: the error of the driver adapter, whose cause is a plain object.
    const meta: unknown = Reflect.get(each, 'meta')
    if (typeof meta === 'object' && meta !== null) inside.push(Reflect.get(meta, 'driverAdapterError'))
    for (const next of inside) {
      if (typeof next === 'object' && next !== null && !found.includes(next)) found.push(next)
    }
  }
  return found
}
