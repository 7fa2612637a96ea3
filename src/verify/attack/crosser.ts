import type { ActingRole } from '../../tenancy/facts.ts'
import type { AttackContext } from './contexts.ts'

/** An attacker: a role in reach (docs/glossary.md), together with a context. */
export interface Crosser {
  readonly role: ActingRole
  readonly context: AttackContext
  /** `as app, tenant A` */
  readonly name: string
}

export function crosser(role: ActingRole, context: AttackContext): Crosser {
  return { role, context, name: `as ${role.path.join(' → ')}, ${context.name}` }
}
