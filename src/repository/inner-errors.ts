/** Properties in which libraries keep a wrapped error: Drizzle and JavaScript itself, Sequelize (two), Objection, TypeORM. */
const LINKS = ['cause', 'parent', 'original', 'nativeError', 'driverError'] as const

/** Deep enough for a library in a library; bounded, since an error may refer to itself. */
const MAX_LOOKED_AT = 20

/**
 * An error and what it wraps, the outermost first.
 *
 * An error that bears an HTTP status of its own was given its meaning by the application: nothing inside it is looked at.
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
