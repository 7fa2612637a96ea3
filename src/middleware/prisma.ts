/** What the extension calls on a model of a Prisma client, inside a transaction as outside. */
interface ModelMethods {
  findFirst(args: unknown): Promise<unknown>
  findFirstOrThrow(args: unknown): Promise<unknown>
}

/**
 * An extension of a Prisma client that keeps tenants apart: `prisma.$extends(tenantExtension())`.
 *
 * Prisma merges `findUnique` calls of one tick into one query, which runs in the FIRST caller's context: another tenant's caller can be
 * given that tenant's row. The extension asks with `findFirst`, which is never merged. It stays inside the transaction it is called in.
 *
 * A compound key under a name of your own (`@@unique(name: …)`) can't be told from a filter: Prisma then refuses the call.
 *
 * @example
 * ```ts
 * const prisma = new PrismaClient({ adapter: new PrismaPg(wall.pool) }).$extends(tenantExtension())
 * ```
 * @see https://www.prisma.io/docs/orm/prisma-client/queries/query-optimization-performance (automatic batching of findUnique)
 */
export function tenantExtension() {
  return {
    name: 'partywall',
    model: {
      $allModels: {
        findUnique(this: unknown, args: unknown) {
          return methodsOf(this).findFirst(withoutCompoundKeys(args))
        },
        findUniqueOrThrow(this: unknown, args: unknown) {
          return methodsOf(this).findFirstOrThrow(withoutCompoundKeys(args))
        },
      },
    },
  }
}

function methodsOf(model: unknown): ModelMethods {
  // Prisma calls methods of an extension on the model that was asked; every model has these two.
  return model as ModelMethods
}

/** `{ tenant_id_id: { tenant_id, id } }` names a key for findUnique; findFirst wants its columns. */
function withoutCompoundKeys(args: unknown): unknown {
  if (!isRecord(args) || !isRecord(args['where'])) return args
  const where: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(args['where'])) {
    if (isRecord(value) && Object.keys(value).length > 1 && Object.keys(value).join('_') === name)
      Object.assign(where, value)
    else where[name] = value
  }
  return { ...args, where }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
