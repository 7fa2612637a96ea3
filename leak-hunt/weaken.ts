// Protections of the database that the hunt takes out, so that a mutant is not stopped by the next layer, or is the mutant itself.
import type { Admin } from './fleet.ts'

interface Change {
  /** A function or procedure of schema partywall. */
  readonly routine: string
  /** A text that occurs once in its definition. */
  readonly find: string
  readonly replace: string
}

const CHANGES = {
  'placement-fence': {
    routine: 'partywall.sealed_body()',
    find: "<> coalesce(place, '') THEN",
    replace: 'IS NULL THEN',
  },
  'move-fence': {
    routine: 'partywall.sealed_body()',
    find: 'IF mover IS NOT NULL AND',
    replace: 'IF false AND',
  },
  'schema-policies': {
    routine: 'partywall.protect_schema_table(regclass, text, text, boolean)',
    find: 'ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
    replace: 'DISABLE ROW LEVEL SECURITY',
  },
} satisfies Readonly<Record<string, Change>>

/** `temporary`: TEMP is granted, so that a temporary table can receive writes. */
export type Weakness = keyof typeof CHANGES | 'temporary'

export const weaknesses: readonly Weakness[] = ['temporary', 'placement-fence', 'move-fence', 'schema-policies']

export function readWeakness(name: string): Weakness {
  const found = weaknesses.find((each) => each === name)
  if (found === undefined) throw new RangeError(`--weaken must be one of ${weaknesses.join(', ')}, got '${name}'`)
  return found
}

/** Takes the protection out of the database, which must have been migrated. */
export async function weaken(admin: Admin, weakness: Weakness): Promise<void> {
  if (weakness === 'temporary') {
    await admin(
      "do $$ begin execute format('grant temporary on database %I to public, hunt_app, tenant_user', current_database()); end $$",
    )
    return
  }
  const { routine, find, replace } = CHANGES[weakness]
  const { rows } = await admin('select pg_get_functiondef($1::regprocedure) as text', [routine])
  const text = String(Reflect.get(Object(rows[0]), 'text'))
  if (text.split(find).length !== 2) throw new Error(`'${find}' does not occur once in ${routine}`)
  await admin(text.replace(find, () => replace))
}
