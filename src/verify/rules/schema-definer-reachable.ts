import type { Rule } from '../finding/rule.ts'

export const schemaDefinerReachable: Rule = {
  id: 'schema-definer-reachable',
  group: 'code',
  title: 'A SECURITY DEFINER function of one tenant’s schema can be called by others',
  severity: 'critical',
  meaning:
    'The function runs with the rights of its owner, to whom the policies may not apply, and returns the rows of its schema to the caller.',
  remedy:
    'Revoke EXECUTE from PUBLIC and from the application. Functions can be executed by PUBLIC unless that is revoked.',
  *run(facts) {
    const { fleet } = facts
    if (fleet === undefined) return
    const names = new Set(fleet.schemas.map(({ name }) => name))
    for (const fn of fleet.functions) {
      if (!fn.definer || !fn.executable || !names.has(fn.schema) || /\breturns trigger\b/i.test(fn.source)) continue
      yield {
        object: fn.label,
        message: `${fn.label} runs as its owner, and PUBLIC or the application may call it: a tenant calls the function of another tenant’s schema.`,
        evidence: ['SECURITY DEFINER', 'EXECUTE for PUBLIC or the application'],
        fix: `REVOKE EXECUTE ON FUNCTION ${fn.label} FROM PUBLIC, ${[...new Set(facts.acting.map(({ role }) => role.name))].map((name) => `"${name.replaceAll('"', '""')}"`).join(', ')};`,
      }
    }
  },
}
