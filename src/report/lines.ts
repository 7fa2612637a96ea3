/**
 * The stable id of a line of the checklist. The checklist comes from `skills/multi-tenant-security/SKILL.md`, the instructions for coding
 * agents. `partywall verify` and the demo print the checklist.
 */
export type ChecklistLineId =
  | 'completed-context-middleware'
  | 'completed-rls-policies'
  | 'completed-repository'
  | 'completed-cross-tenant-access'
  | 'completed-rate-limits'
  | 'completed-audit'
  | 'output-tenant-context'
  | 'output-rls-migration'
  | 'output-repository'
  | 'output-guard'
  | 'output-isolation-test'
  | 'security-no-leak'
  | 'security-rls-on-all-queries'
  | 'security-circuit-breaker'
  | 'security-audit-trail'

export type ChecklistSection = 'Completed' | 'Outputs' | 'Security Verification'

/** A line of the checklist, without evidence. */
export interface ChecklistLineDefinition {
  readonly id: ChecklistLineId
  readonly section: ChecklistSection
  /** The text of the line. If `atLeast` is set, `N` is replaced by the number of scenarios. */
  readonly title: string
  /** The command that checks this line. It is printed if the line is open. */
  readonly triedBy: string
  /** How many scenarios must have held before the line is proved; default 1. */
  readonly atLeast?: number
}

const demo = 'npm run demo -- --once'
const verify = 'npx partywall verify --migrations migrations/'

/** All lines of the checklist, in the order in which they are printed. */
export const checklistLines: readonly ChecklistLineDefinition[] = Object.freeze([
  {
    id: 'completed-context-middleware',
    section: 'Completed',
    title: 'Tenant context middleware implemented with AsyncLocalStorage',
    triedBy: demo,
  },
  {
    id: 'completed-rls-policies',
    section: 'Completed',
    title: 'Row-level security policies configured in PostgreSQL',
    triedBy: verify,
  },
  {
    id: 'completed-repository',
    section: 'Completed',
    title: 'Tenant-aware repository pattern established',
    triedBy: demo,
  },
  {
    id: 'completed-cross-tenant-access',
    section: 'Completed',
    title: 'Cross-tenant access prevention validated',
    triedBy: demo,
  },
  {
    id: 'completed-rate-limits',
    section: 'Completed',
    title: 'Rate limiting per tenant tier configured',
    triedBy: demo,
  },
  {
    id: 'completed-audit',
    section: 'Completed',
    title: 'Audit logging with tenant isolation enabled',
    triedBy: demo,
  },
  { id: 'output-tenant-context', section: 'Outputs', title: 'src/middleware/tenant-context.ts', triedBy: demo },
  { id: 'output-rls-migration', section: 'Outputs', title: 'migrations/enable-rls-policies.sql', triedBy: verify },
  { id: 'output-repository', section: 'Outputs', title: 'src/repository/base-repository.ts', triedBy: demo },
  { id: 'output-guard', section: 'Outputs', title: 'src/guards/tenant-guard.ts', triedBy: demo },
  { id: 'output-isolation-test', section: 'Outputs', title: 'tests/security/tenant-isolation.test.ts', triedBy: demo },
  {
    id: 'security-no-leak',
    section: 'Security Verification',
    title: 'Zero data leakage confirmed across N test scenarios',
    triedBy: demo,
    atLeast: 50,
  },
  {
    id: 'security-rls-on-all-queries',
    section: 'Security Verification',
    title: 'RLS policies enforce tenant_id on all queries',
    triedBy: verify,
  },
  {
    id: 'security-circuit-breaker',
    section: 'Security Verification',
    title: 'Circuit breaker prevents cascade failures',
    triedBy: demo,
  },
  {
    id: 'security-audit-trail',
    section: 'Security Verification',
    title: 'Audit trail captures all tenant operations',
    triedBy: demo,
  },
])
