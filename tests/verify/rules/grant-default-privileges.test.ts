import { ruleCase } from '../rule-case.ts'

ruleCase('grant-default-privileges', {
  hole: `alter default privileges for role {owner} in schema public grant select on tables to {app};`,
  object: `schema public`,
  severity: 'medium',
  repaired: `select 1;`,
  nearMisses: {
    'for another role': `alter default privileges for role {owner} in schema public grant select on tables to {reporting};`,
    'only functions': `alter default privileges for role {owner} in schema public grant execute on functions to {app};`,
  },
})
