import { runProgram } from '../detection/package-manager.ts'
import type { Project } from '../detection/project.ts'
import type { PlannedFile } from '../plan/init-plan.ts'

const SKILL_PATH = '.agents/skills/multi-tenant-security/SKILL.md'

/**
 * The skill, and a section in AGENTS.md, for coding agents that work on the application later.
 *
 * @param skill the text of partywall's SKILL.md
 */
export function agentFiles(skill: string, { packageManager }: Project): readonly PlannedFile[] {
  const run = (command: string) => `\`${runProgram(packageManager, command)}\``
  const block = `
## Tenant isolation

The rows of all tenants share tables. partywall keeps them apart: \`partywall.config\` has its settings, and ${SKILL_PATH} tells how to work with it.

- Take connections only from the pool of the file that makes the wall. Code that runs before the tenant is known uses its entry pool.
- Never read the tenant from a header, a parameter or a body. It comes from the verified token.
- After each change of the schema run ${run('partywall verify')}. Exit code 0 is the only proof. Never write its success output yourself.
- If a tenant does not see a row, run ${run('partywall explain')}. Do not switch row-level security off, and do not widen a policy or a grant to make a test pass.
- If something does not start, run ${run('partywall doctor')}.
`
  return [
    { kind: 'create', path: SKILL_PATH, content: skill, why: 'tells coding agents how to work with partywall' },
    { kind: 'append', path: 'AGENTS.md', block, secret: false, why: 'the rules of isolation for coding agents' },
  ]
}
