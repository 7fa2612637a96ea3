import type { Catalog } from './catalog.ts'
import { type Grant, type Oid, PUBLIC_OID } from './model.ts'

/** Gives the names of roles, for texts without object ids. It remembers which roles were asked for. */
export interface PartNames {
  /** The roles whose names were asked for. */
  readonly asked: ReadonlySet<Oid>
  of(role: Oid): string
  grants(grants: readonly Grant[]): string
}

export function partNames({ roles }: Catalog): PartNames {
  const asked = new Set<Oid>()
  const of = (oid: Oid) => {
    asked.add(oid)
    return oid === PUBLIC_OID ? 'PUBLIC' : (roles.get(oid)?.name ?? 'an unknown role')
  }
  return {
    asked,
    of,
    grants: (grants) =>
      grants
        .map(
          ({ grantee, privilege, grantable }) =>
            `${privilege} to ${of(grantee)}${grantable ? ' with grant option' : ''}`,
        )
        .sort()
        .join(', '),
  }
}
