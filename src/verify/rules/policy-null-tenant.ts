import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policyNullTenant: Rule = {
  id: 'policy-null-tenant',
  group: 'policy',
  ofProtect: 'always',
  title: 'Rows without a tenant belong to every tenant',
  severity: 'high',
  meaning: 'Any tenant can add, change or delete rows that all tenants see.',
  remedy: 'Allow rows without a tenant in a policy FOR SELECT only.',
  run: (facts) =>
    policyFindings(facts, 'policy-null-tenant', {
      message: () => 'lets in rows whose tenant is NULL',
      // If no role of the application can write such rows, they are probably a list that all tenants share on purpose.
      severity: ({ verbs }) =>
        verbs.every((verb) => verb === 'select')
          ? {
              level: 'info',
              because:
                'Only reads are open, and rows without a tenant may be a list that all tenants share on purpose.',
            }
          : undefined,
    }),
}
