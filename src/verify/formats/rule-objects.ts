import type { Examined, ObjectKind } from '../report/examined.ts'

/**
 * Rules by the beginning of their ids, with the kinds of objects that they look at and a name for these kinds. Without such objects the
 * rules have nothing to look at.
 */
const OBJECTS: readonly (readonly [prefix: string, kinds: readonly ObjectKind[], name: string])[] = [
  ['view-', ['view'], 'view'],
  ['matview-', ['materialized-view'], 'materialized view'],
  ['partition-', ['partitioned-table'], 'partitioned table'],
  ['foreign-table-', ['foreign-table'], 'foreign table'],
  ['fk-', ['foreign-key'], 'foreign key'],
  ['policy-', ['policy'], 'policy'],
  ['trigger-', ['trigger'], 'trigger'],
  ['secdef-', ['security-definer'], 'SECURITY DEFINER function'],
  ['sequence-', ['sequence'], 'sequence'],
  ['rule-as-owner', ['rewrite-rule'], 'rewrite rule'],
]

/**
 * The name of the kind of object that a rule looks at, if the judged schemas have no such object. Undefined if they have one, or if the
 * rule also looks at other things.
 */
export function noObjectFor(
  rule: string,
  { objects, tenantSchemas }: Pick<Examined, 'objects' | 'tenantSchemas'>,
): string | undefined {
  const found = OBJECTS.find(([prefix]) => rule.startsWith(prefix))
  // Objects in schemas of single tenants are not counted.
  if (found === undefined || tenantSchemas > 0) return undefined
  const [, kinds, name] = found
  return kinds.every((kind) => objects[kind] === 0) ? name : undefined
}
