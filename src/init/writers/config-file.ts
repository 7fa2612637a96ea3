import type { TenantFacts } from '../plan/init-plan.ts'

/** `partywall.config.ts`: the settings of partywall's commands in this project. */
export function configFile(facts: TenantFacts, appRole: string): string {
  const list = (names: readonly string[]) => `[${names.map((name) => `'${name}'`).join(', ')}]`
  return `import { defineConfig } from 'partywall'

export default defineConfig({
  // Commands that need a database read it first. DATABASE_URL is the login of your migrations, and the owner of the tables.
  envFile: '.env',
  appRole: '${appRole}',
  tenantColumn: ${list([facts.column])},
  schema: ${list(facts.schemas)},
  // The level as which every user works, for explain and plan: as levelOf in the wall's file. Remove it when you give users different levels there.
  level: 'tenant_admin',
  // Lower it to 'medium' once you have decided what the migration lists under TO DECIDE. Findings that you accept go into a baseline: partywall verify --help.
  failOn: 'high',
})
`
}
