import { functionText, policyText, textHash } from '../migrate/known-protection.ts'
import type { ProtectedPolicy, ProtectedRelation, ProtectionState } from './protected-object.ts'
import { SchemaMarks } from './schema-marks.ts'

/** A change that removes protection and that the checks of `ready()` do not cover. */
interface ProtectionProblem {
  readonly object: string
  readonly message: string
}

/** The definitions that were accepted before, and the definitions that some release of partywall creates. */
export interface Accepted {
  readonly state: ProtectionState
  /** Rows of `partywall.known_protection` as `purpose hash`. */
  readonly known: ReadonlySet<string>
  readonly sealed: boolean
}

/**
 * Compares two states of one database and names each change after which a tenant might see more than before.
 *
 * A changed policy counts as harmless only in these cases: partywall writes policies with this text, the policy was accepted on this table
 * before, the change only hides rows, or the policy applies to no role of the application. All other changes are named.
 */
export function judgeChange(before: Accepted, now: ProtectionState, known: ReadonlySet<string>): ProtectionProblem[] {
  const judge = new Judge(before, now, known)
  return [
    ...judge.withoutRowSecurity(),
    ...judge.sameNames(),
    ...judge.parents(),
    ...judge.functions(),
    ...now.relations.filter((table) => judge.isTenantTable(table)).flatMap((table) => judge.policies(table)),
    ...judge.triggers(),
    ...judge.views(),
  ]
}

class Judge {
  readonly #before: ProtectionState
  readonly #now: ProtectionState
  readonly #known: ReadonlySet<string>
  readonly #sealed: boolean
  readonly #protectedBefore: readonly ProtectedRelation[]
  readonly #marks: SchemaMarks

  constructor(before: Accepted, now: ProtectionState, known: ReadonlySet<string>) {
    this.#before = before.state
    this.#now = now
    this.#known = new Set([...before.known, ...known])
    this.#sealed = before.sealed
    this.#marks = new SchemaMarks(now.policies)
    this.#protectedBefore = before.state.relations.filter((relation) => relation.inReach && relation.enabled)
  }

  /** A table in reach that has row-level security now, and has a tenant column or was protected in the accepted state. */
  isTenantTable(table: ProtectedRelation): boolean {
    return table.inReach && table.enabled && (table.column !== null || this.#earlier(table) !== undefined)
  }

  /** Tables whose row-level security was turned off. Such a table is found by its name and by its OID, because it may have been renamed. */
  withoutRowSecurity(): ProtectionProblem[] {
    return this.#now.relations
      .filter((table) => table.inReach && !table.enabled && this.#earlier(table) !== undefined)
      .map((table) => problem(table.name, 'row security is off, and was on'))
  }

  /** A new relation without row-level security that has the name of a tenant table, in another schema or instead of the tenant table. */
  sameNames(): ProtectionProblem[] {
    const names = new Set(this.#protectedBefore.map((table) => table.relname))
    const known = new Set(this.#before.relations.map((relation) => relation.oid))
    return this.#now.relations
      .filter((relation) => relation.inReach && !relation.enabled && !known.has(relation.oid) && !isView(relation))
      .filter((relation) => names.has(relation.relname) || (relation.relkind === 'f' && relation.column !== null))
      .map((relation) =>
        problem(
          relation.name,
          `it is new, has no row security, and ${names.has(relation.relname) ? 'has the name of a tenant table' : 'is a foreign table with a tenant column'}`,
        ),
      )
  }

  /** A SELECT on a parent table reads the rows of its children, and only the parent's policies apply. */
  parents(): ProtectionProblem[] {
    const byName = new Map(this.#now.relations.map((relation) => [relation.name, relation]))
    const earlier = new Map(this.#before.relations.map((relation) => [relation.oid, relation.parents]))
    const problems = new Map<string, ProtectionProblem>()
    const follow = (table: ProtectedRelation): void => {
      for (const name of table.parents) {
        const parent = byName.get(name)
        if (parent === undefined) continue
        // A parent with a tenant column is itself judged as a tenant table.
        if (parent.inReach && parent.column === null && earlier.get(table.oid)?.includes(name) !== true)
          problems.set(
            name,
            problem(
              name,
              'it became the parent of a tenant table, whose policies do not apply to queries of the parent',
            ),
          )
        follow(parent)
      }
    }
    for (const table of this.#now.relations)
      if (table.column !== null || this.#earlier(table) !== undefined) follow(table)
    return [...problems.values()]
  }

  /**
   * Functions and views of schema partywall on which the seal depends. The look-up functions of the directory are left out, because they
   * differ in each database.
   */
  functions(): ProtectionProblem[] {
    const problems: ProtectionProblem[] = []
    for (const [name, each] of this.#now.functions) {
      if (!name.startsWith('partywall.') || /^partywall\.(?:tenant_by_|directory_by_|install_)/.test(name)) continue
      const earlier = this.#before.functions.get(name)
      if (earlier === undefined || functionText(earlier) === functionText(each)) continue
      if (!this.#known.has(`function ${textHash(functionText(each))}`))
        problems.push(problem(name, 'the function is not the one that partywall writes'))
    }
    return problems
  }

  policies(table: ProtectedRelation): ProtectionProblem[] {
    const now = this.#policiesOf(this.#now, table.name)
    const earlier = this.#earlier(table)
    const before = earlier === undefined ? [] : this.#policiesOf(this.#before, earlier.name)
    const seal = this.#sealed ? now.find((policy) => this.#isSeal(policy, table)) : undefined
    if (seal !== undefined) return this.#lostWriteModePolicy(seal, before, now)
    const accepted = new Set(
      before.filter((policy) => policy.inReach).map((policy) => this.#textOf(policy, this.#before)),
    )
    const isAccepted = (policy: ProtectedPolicy) =>
      this.#isIsolation(policy, table) ||
      accepted.has(this.#textOf(policy, this.#now)) ||
      this.#isUsedElsewhere(policy, table)
    const permissive = now.filter((policy) => policy.permissive && policy.inReach)
    const problems = permissive
      .filter((policy) => !isAccepted(policy))
      .map((policy) => problem(policy.name, 'the permissive policy is new or says something else than before'))
    if (permissive.every((policy) => this.#isIsolation(policy, table))) return problems
    const texts = new Set(now.map((policy) => this.#textOf(policy, this.#now)))
    for (const policy of before) {
      if (policy.permissive || !policy.inReach || texts.has(this.#textOf(policy, this.#before))) continue
      problems.push(problem(policy.name, 'the restrictive policy is gone or says something else than before'))
    }
    return problems
  }

  /**
   * The write-mode policy refuses writes with a seal that was made for reading. This reports a table that lost it. A table needs the policy if
   * its seal policy compares only the tenant of the ticket: a ticket for reading then satisfies the seal policy also for a write. The seal policy
   * of the release before tickets checks the mode itself. The table `known_protection` keeps the write-mode policy under the purpose `level`.
   */
  #lostWriteModePolicy(seal: ProtectedPolicy, before: readonly ProtectedPolicy[], now: readonly ProtectedPolicy[]) {
    if (seal.using?.includes('partywall.ticket') !== true) return []
    const asksForMode = (policy: ProtectedPolicy) =>
      policy.command === '*' && this.#known.has(`level ${textHash(policyText(policy))}`)
    if (now.some((policy) => policy.coversReach && asksForMode(policy))) return []
    return before
      .filter((policy) => policy.inReach && asksForMode(policy))
      .map(({ name }) =>
        problem(name, 'the policy that refuses writes with a seal for reading is gone or says something else'),
      )
  }

  /** Tables that lost a trigger which fills or checks the tenant. */
  triggers(): ProtectionProblem[] {
    const byTable = (state: ProtectionState) =>
      new Set(
        state.triggers.filter((each) => each.enabled && each.protects).map((each) => `${each.type} ${each.table}`),
      )
    const [before, now] = [byTable(this.#before), byTable(this.#now)]
    const tables = new Map(this.#now.relations.map((relation) => [relation.oid, relation]))
    return this.#before.triggers
      .filter((trigger) => before.has(`${trigger.type} ${trigger.table}`) && trigger.enabled && trigger.protects)
      .filter((trigger) => {
        const earlier = this.#before.relations.find((relation) => relation.name === trigger.table)
        const same = this.#now.relations.find((relation) => relation.name === trigger.table)
        const table = same ?? tables.get(earlier?.oid ?? '')
        return table?.inReach === true && !now.has(`${trigger.type} ${table.name}`)
      })
      .map((trigger) =>
        problem(trigger.name, 'the trigger that guards the tenant column is gone, disabled or does something else'),
      )
  }

  /** Views that read tenant tables with their owner's rights, where no policy applies to the owner. */
  views(): ProtectionProblem[] {
    const walled = new Set([
      ...this.#protectedBefore.map((table) => table.name),
      ...this.#now.relations
        .filter((table) => this.isTenantTable(table) || table.column !== null)
        .map((table) => table.name),
    ])
    const before = new Set(this.#before.relations.filter(isView).map(viewText))
    return this.#now.relations
      .filter((view) => isView(view) && view.inReach && !before.has(viewText(view)) && !this.#isOwnView(view))
      .filter((view) => this.#readsPast(view, walled))
      .map((view) =>
        problem(
          view.name,
          'the view is new or changed, and reads tenant tables as its owner: set security_invoker = true',
        ),
      )
  }

  /** A view of schema partywall as a release of partywall writes it. The state keeps partywall's own views among its functions. */
  #isOwnView({ name }: ProtectedRelation): boolean {
    const view = name.startsWith('partywall.') ? this.#now.functions.get(name) : undefined
    return view !== undefined && this.#known.has(`function ${textHash(functionText(view))}`)
  }

  /** Follows the views that a view reads. One of them may run as an owner to whom no policy applies. */
  #readsPast(view: ProtectedRelation, walled: ReadonlySet<string>): boolean {
    const byName = new Map(this.#now.relations.map((relation) => [relation.name, relation]))
    const seen = new Set<string>()
    const follow = (name: string, unrestricted: boolean): boolean => {
      const relation = byName.get(name)
      if (relation === undefined || seen.has(`${name} ${unrestricted}`)) return false
      seen.add(`${name} ${unrestricted}`)
      if (!isView(relation))
        return unrestricted && (walled.has(name) || relation.parents.some((parent) => walled.has(parent)))
      const runsUnrestricted = relation.relkind === 'm' || (!relation.invoker && this.#ownerIsUnrestricted(relation))
      return relation.reads.some((next) => follow(next, runsUnrestricted || (relation.invoker && unrestricted)))
    }
    return follow(view.name, false)
  }

  #ownerIsUnrestricted(view: ProtectedRelation): boolean {
    // With a seal, every view that runs as its owner is treated as unrestricted: the seal's policies do not apply to the owner, so only the
    // policy on app.current_tenant_id restricts the view, and injected SQL can change that setting.
    return (
      this.#sealed ||
      view.ownerBypasses ||
      this.#now.policies.some((policy) => policy.permissive && policy.roles.includes(view.owner))
    )
  }

  /** The accepted state of the table: under this name, or under another name with the same OID. */
  #earlier(table: ProtectedRelation): ProtectedRelation | undefined {
    return (
      this.#protectedBefore.find((earlier) => earlier.name === table.name) ??
      this.#protectedBefore.find(({ oid }) => oid === table.oid)
    )
  }

  #policiesOf(state: ProtectionState, table: string): readonly ProtectedPolicy[] {
    return state.policies.filter((policy) => policy.table === table)
  }

  /**
   * Whether a policy is known (`partywall.known_protection`) and tests the tenant column. The table of tenants has no tenant column, so
   * there the policy must test the key. In a schema of one tenant the tables have no tenant column: there the policy compares the
   * session's tenant with a constant, which stands for the schema's tenant ({@link SchemaMarks}).
   */
  #isKnown(purpose: 'isolation' | 'seal', policy: ProtectedPolicy, table: ProtectedRelation): boolean {
    const ofSchema = policy.column === null && this.#marks.isOfOneTenant(policy)
    if (!ofSchema && (policy.column === null || policy.column !== (table.column ?? 'id'))) return false
    const isAsBefore = (name: string) => {
      const [earlier, each] = [this.#before.functions.get(name), this.#now.functions.get(name)]
      return earlier !== undefined && each !== undefined && functionText(earlier) === functionText(each)
    }
    // The column's type may be the user's own, and its comparison then calls a function of the user's: that function must be unchanged.
    if (!policy.functions.every((name) => name.startsWith('partywall.') || isAsBefore(name))) return false
    return this.#known.has(`${purpose} ${textHash(policyText(policy))}`)
  }

  #isIsolation(policy: ProtectedPolicy, table: ProtectedRelation): boolean {
    return this.#isKnown('isolation', policy, table)
  }

  #isSeal(policy: ProtectedPolicy, table: ProtectedRelation): boolean {
    return policy.coversReach && this.#isKnown('seal', policy, table)
  }

  /** Whether a new table has the same policy as existing tenant tables, and the policy reads the tenant column. */
  #isUsedElsewhere(policy: ProtectedPolicy, table: ProtectedRelation): boolean {
    if (policy.column === null || policy.column !== table.column || this.#earlier(table) !== undefined) return false
    const text = this.#textOf(policy, this.#now)
    return this.#protectedBefore.some((other) =>
      this.#policiesOf(this.#before, other.name).some(
        (each) => each.inReach && each.column === other.column && this.#textOf(each, this.#before) === text,
      ),
    )
  }

  /** A policy's expressions, the bodies of the functions that it calls, and whether it applies to the application. */
  #textOf(policy: ProtectedPolicy, state: ProtectionState): string {
    const called = policy.functions.map((name) => {
      const each = state.functions.get(name)
      const text = each === undefined ? name : functionText(each)
      return name.startsWith('partywall.') ? name : text
    })
    return JSON.stringify([policyText(policy), policy.inReach, called])
  }
}

function problem(object: string, message: string): ProtectionProblem {
  return { object, message: `${object}: ${message}` }
}

function isView({ relkind }: ProtectedRelation): boolean {
  return relkind === 'v' || relkind === 'm'
}

function viewText({ name, definition, owner, ownerBypasses, invoker, inReach }: ProtectedRelation): string {
  return JSON.stringify([name, definition, owner, ownerBypasses, invoker, inReach])
}
