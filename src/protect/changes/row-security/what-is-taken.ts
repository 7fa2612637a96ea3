import { quoteIdentifier } from '../../../catalog/names.ts'
import type { Planning } from '../../input.ts'
import { commentLine } from '../../sql-text.ts'
import type { Target } from '../../target.ts'
import { applicationsRights, type CarriedRights, carriedRights } from '../carried-rights.ts'
import type { Stance } from './stance.ts'

const LEVELS = ['tenant_user', 'tenant_admin'] as const

/**
 * Comment lines above the isolation policy of a table that was open. They say what the policy takes away and, for the table of tenants,
 * what stays allowed.
 */
export function whatIsTaken(planning: Planning, target: Target, stance: Stance): string {
  const { setting } = planning.setting
  // With a seal, policies of the user's own that come into force may still show rows to roles that are not the application's.
  const from = planning.seal && stance === 'dormant' ? ' from the application' : ''
  const lines = [
    `Takes away${from}: rows of other tenants, and all rows from a session in which ${setting} is not set.`,
    ...(target.kind === 'root' ? [...(planning.seal ? sealedRoot(planning, target) : openRoot(planning, target))] : []),
  ]
  return lines.map(commentLine).join('\n')
}

/** The table of tenants, if the application works as tenant_user and tenant_admin. */
function sealedRoot(planning: Planning, { relation, column }: Target): readonly string[] {
  const held = LEVELS.map((role) => ({ role, rights: carriedRights(planning, relation, role) }))
  const may = held
    .filter(({ rights }) => rights.size > 0)
    .map(({ role, rights }) => `${role} may ${listRights(rights)}`)
    .join(', and ')
  const inserts = held.some(({ rights }) => rights.has('INSERT'))
  const another =
    'another role that has a right and a policy of its own here, such as the entry login of partywall init'
  return [
    may === ''
      ? 'This is the table of tenants. tenant_user and tenant_admin have no right on its rows.'
      : `This is the table of tenants. ${may}: only the row of the tenant of the sealed context.`,
    ...(inserts
      ? [
          `A sign-up opens a context with the new tenant's ${column.name} before it inserts. A lookup before the tenant is known sees no row: it needs the tenant directory, or ${another}.`,
        ]
      : [
          `Neither may INSERT. A sign-up needs ${another}. So does a lookup before the tenant is known, unless it uses the tenant directory.`,
        ]),
  ]
}

/** The table of tenants, if the application sets the tenant itself. */
function openRoot(planning: Planning, { relation, column }: Target): readonly string[] {
  const { setting } = planning.setting
  const rights = planning.acting.length === 0 ? undefined : applicationsRights(planning, relation)
  const lines: string[] = []
  if (rights !== undefined)
    lines.push(
      rights.size === 0
        ? 'This is the table of tenants. The application has no right on its rows.'
        : `This is the table of tenants. The application may ${listRights(rights)}: only the row of the tenant that ${setting} names.`,
    )
  if (rights === undefined || rights.has('INSERT'))
    lines.push(`A sign-up sets ${setting} to the new tenant's ${column.name} before it inserts.`)
  else lines.push('It may not INSERT: a sign-up needs another role.')
  lines.push(
    'A lookup before the tenant is known sees no row. It needs a SECURITY DEFINER function whose owner has BYPASSRLS: with FORCE, the policies apply to the owner of the table too.',
  )
  return lines
}

/** `SELECT, UPDATE (name)`. */
function listRights(rights: CarriedRights): string {
  return [...rights]
    .map(([right, on]) => (on === 'table' ? right : `${right} (${on.map(quoteIdentifier).join(', ')})`))
    .join(', ')
}
