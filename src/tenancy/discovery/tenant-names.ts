// STRONG: words that mean a customer of a B2B product. WEAK: words that can also mean people or things inside one customer.
const STRONG = /^(tenant|org|organi[sz]ation|workspace|account|company|customer_account|merchant|business)$/
const WEAK =
  /^(customer|client|team|group|site|shop|store|school|clinic|agency|firm|brand|club|partner|realm|instance|subscriber|owner_org|space|vendor|practice|property)$/

/** How likely it is that a name means a tenant: 2 for `org_id` and `tenant`, 1 for `team_id`, 0 for other names. */
export function tenantNameWeight(name: string): number {
  const stem = stemOf(name)
  return STRONG.test(stem) ? 2 : WEAK.test(stem) ? 1 : 0
}

/** The stem of a name: `org` for `org_id`, `orgId`, `org_uuid`, `fk_org` and `org`. */
export function stemOf(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/^(fk|id|ref|current)_/, '')
    .replace(/_?(id|uuid|uid|key|ref|code|slug|no|num|guid|fk|pk)$/, '')
    .replace(/^_+|_+$/g, '')
}

/** Whether a table is named like a column's stem, in singular or plural: `orgs` for `org_id`. */
export function looksLikeRoot(table: string, stem: string): boolean {
  const single = table
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/^(tbl|app|t)_/, '')
    .replace(/ies$/, 'y')
    .replace(/(ss|x|ch)es$/, '$1')
    .replace(/([^s])s$/, '$1')
  if (stem === '') return false
  return single === stem || (stem.length >= 3 && single.startsWith(stem) && STRONG.test(single))
}
