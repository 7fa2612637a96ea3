import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { literal } from '../attack/variant-row.ts'
import { draftsOf } from '../finding/drafts.ts'
import type { Rule } from '../finding/rule.ts'
import type { RuleId } from '../finding/rule-id.ts'
import { creatableSchemas } from '../readings/creation.ts'
import { THIS_DATABASE } from '../readings/this-database.ts'
import { grantReferences } from '../rules/grant-references.ts'
import { grantTrigger } from '../rules/grant-trigger.ts'
import { schemaCreate } from '../rules/schema-create.ts'

/** Creates functions, triggers, tables and temporary objects as the application's roles. */
export const createObjects: Attack = {
  name: 'create-objects',
  title: 'creates functions, triggers, foreign keys and temporary tables',
  needs: 'CREATE, TEMPORARY, TRIGGER or REFERENCES of a role in reach',
  rules: ['schema-create', 'grant-temporary', 'grant-trigger', 'grant-references'],
  async run(arena) {
    // Only objects that the rules report: a right that comes with ownership is reported by another rule.
    const said = (rule: Rule) => new Set(draftsOf(rule, arena.facts).map((finding) => finding.object))
    const creates = said(schemaCreate)
    const triggers = said(grantTrigger)
    const references = said(grantReferences)
    const roles = arena.facts.acting.filter((role) => !role.bypasses)
    for (const role of roles) {
      for (const schema of creatableSchemas(arena.facts, role))
        if (creates.has(`schema ${schema}`)) await plantFunction(arena, role, schema)
      if (creates.has(THIS_DATABASE) && arena.facts.privileges.onDatabase(role.role.oid, 'CREATE'))
        await accepted(arena, role, ['create schema partywall_planted'], {
          rule: 'schema-create',
          object: THIS_DATABASE,
          message: 'The app makes schemas.',
          what: 'CREATE SCHEMA',
        })
      await plantTemporary(arena, role)
    }
    for (const { relation } of arena.facts.tenancy.tables.values()) {
      if (triggers.has(relation.label))
        for (const role of arena.facts.reach(relation, 'TRIGGER')) await attachTrigger(arena, relation, role)
      if (references.has(relation.label))
        for (const role of arena.facts.reach(relation, 'REFERENCES')) await reference(arena, relation, role)
    }
  },
}

interface Said {
  readonly rule: RuleId
  readonly object: string
  readonly message: string
  readonly what: string
}

async function accepted(arena: Arena, role: ActingRole, statements: readonly string[], said: Said): Promise<boolean> {
  const answer = await arena.as(role, arena.contexts.a, async () => {
    for (const statement of statements) await arena.session.run(statement)
  })
  if (answer.ok)
    arena.report({
      rule: said.rule,
      object: said.object,
      message: said.message,
      evidence: [`as ${role.path.join(' → ')}: ${said.what} was accepted`],
      fix: `-- Revoke the right from ${quoteIdentifier(role.role.name)}.`,
    })
  return answer.ok
}

async function plantFunction(arena: Arena, role: ActingRole, schema: string): Promise<void> {
  await accepted(
    arena,
    role,
    [`create function ${quoteIdentifier(schema)}.partywall_planted() returns int language sql return 1`],
    {
      rule: 'schema-create',
      object: `schema ${schema}`,
      message: `The app plants functions in ${schema}.`,
      what: 'CREATE FUNCTION',
    },
  )
}

/** A temporary table with the name of a tenant table receives what is written to that name without a schema. */
async function plantTemporary(arena: Arena, role: ActingRole): Promise<void> {
  if (!arena.facts.privileges.onDatabase(role.role.oid, 'TEMPORARY')) return
  const name = [...arena.facts.tenancy.tables.values()][0]?.relation.name
  if (name === undefined) return
  await accepted(arena, role, [`create temporary table ${quoteIdentifier(name)} (caught text)`], {
    rule: 'grant-temporary',
    object: THIS_DATABASE,
    message: 'The app makes temporary tables.',
    what: `CREATE TEMPORARY TABLE ${name}`,
  })
}

async function attachTrigger(arena: Arena, relation: Relation, role: ActingRole): Promise<void> {
  const schema = creatableSchemas(arena.facts, role)[0]
  const fn = `${schema === undefined ? 'pg_temp' : quoteIdentifier(schema)}.partywall_fired`
  await accepted(
    arena,
    role,
    [
      `create function ${fn}() returns trigger language plpgsql as $$ begin return new; end $$`,
      `create trigger partywall_fired before insert on ${qualifiedName(relation)} for each row execute function ${fn}()`,
    ],
    {
      rule: 'grant-trigger',
      object: relation.label,
      message: `The app attaches triggers to ${relation.label}.`,
      what: 'CREATE TRIGGER',
    },
  )
}

async function reference(arena: Arena, relation: Relation, role: ActingRole): Promise<void> {
  const schema = creatableSchemas(arena.facts, role)[0]
  const primary = relation.constraints.find((constraint) => constraint.kind === 'primary-key')
  const row = arena.row(relation, 'b')
  if (schema === undefined || primary === undefined || row === undefined) return
  const columns = primary.columns.flatMap((number) => arena.facts.columnNumbered(relation, number) ?? [])
  const names = columns.map((column) => quoteIdentifier(column.name)).join(', ')
  const table = `${quoteIdentifier(schema)}.partywall_referring`
  await accepted(
    arena,
    role,
    [
      `create table ${table} (${columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`).join(', ')}, foreign key (${names}) references ${qualifiedName(relation)} (${names}))`,
      `insert into ${table} values (${columns.map((column) => literal(column, row.values[column.name] ?? null)).join(', ')})`,
    ],
    {
      rule: 'grant-references',
      object: relation.label,
      message: `A foreign key that the app creates shows which keys of ${relation.label} exist.`,
      what: "a reference to tenant B's key",
    },
  )
}
