import type { Finding } from '../../../src/verify/finding/finding.ts'
import { noVerdicts } from '../../../src/verify/finding/verdict.ts'
import type { ReportDocument } from '../../../src/verify/formats/document.ts'
import type { Examined } from '../../../src/verify/report/examined.ts'

/** A name that tries to break out of every format. */
const HOSTILE = 'app."><b>|`x`\u001b[31m\u0000\nred\u202e'

export const leak: Finding = {
  rule: 'rls-disabled',
  severity: 'critical',
  object: 'public.documents',
  message: 'Row-level security is off on public.documents: any tenant can select the rows of all tenants.',
  proof: 'exploited',
  evidence: ['as app, tenant A: SELECT returned the planted row of tenant B'],
  fix: 'ALTER TABLE "public"."documents" ENABLE ROW LEVEL SECURITY;\n-- ``` ]]> </pre>',
  key: 'rls-disabled:public.documents',
}

const hostile: Finding = {
  rule: 'not-in-catalogue',
  severity: 'low',
  object: HOSTILE,
  message: `About ${HOSTILE}`,
  proof: 'static',
  evidence: [HOSTILE],
  fix: `-- ${HOSTILE}`,
  key: `not-in-catalogue:${HOSTILE}`,
}

export const examined: Examined = {
  schemas: ['public'],
  tenantSchemas: 0,
  tenantRelations: [],
  ownSchema: undefined,
  server: {
    reader: { name: 'owner', superuser: false },
    identifier: '7398000000000000001',
    version: 'PostgreSQL 18.4 on x86_64-pc-linux-gnu',
    settings: [{ name: 'row_security', value: 'on' }],
    stored: [HOSTILE],
    extensions: ['citext 1.8 in public'],
  },
  untriedGrants: [{ role: 'reporting', object: 'public.invoices', privileges: ['SELECT'] }],
  grants: [{ role: 'app', object: 'public.documents', privileges: ['SELECT', `UPDATE (${HOSTILE})`] }],
  wideGrants: [{ role: 'app', object: 'database', privileges: ['CONNECT'] }],
  untriedWideGrants: [{ role: 'PUBLIC', object: HOSTILE, privileges: ['USAGE'] }],
  functions: [
    {
      object: 'public.total(uuid)',
      owner: 'postgres',
      language: 'sql',
      definer: true,
      settings: ['search_path = pg_catalog'],
      grantees: ['PUBLIC'],
      callers: ['app'],
      sha256: 'e'.repeat(64),
    },
  ],
  triggers: [
    {
      object: 'public.documents',
      name: HOSTILE,
      when: 'before insert, for each row',
      calls: 'public.stamp()',
      enabled: 'disabled',
      definition: 'CREATE TRIGGER …',
    },
  ],
  views: [
    {
      object: 'public.recent',
      kind: 'view',
      owner: 'postgres',
      options: ['security_invoker = true'],
      definition: 'SELECT id FROM public.documents;',
    },
  ],
  rewriteRules: [{ object: 'public.documents', name: 'late', definition: 'CREATE RULE late AS ON INSERT …' }],
  cells: [
    {
      object: 'public.documents',
      verb: 'select',
      role: 'app',
      proof: 'open',
      control: 'worked',
      tries: 9,
      reached: 9,
    },
    { object: 'public.documents', verb: 'insert', role: 'app', proof: 'none', tries: 0, reached: 0 },
    {
      object: 'public.documents',
      verb: 'update',
      role: 'app',
      proof: 'proved',
      control: 'not-run',
      tries: 3,
      reached: 0,
    },
    { object: HOSTILE, verb: 'select', role: HOSTILE, proof: 'unproved', control: 'error', tries: 0, reached: 0 },
  ],
  objects: {
    table: 2,
    'partitioned-table': 0,
    view: 0,
    'materialized-view': 0,
    'foreign-table': 0,
    sequence: 0,
    function: 0,
    'security-definer': 0,
    policy: 1,
    trigger: 0,
    'foreign-key': 0,
    'rewrite-rule': 0,
  },
  roles: [
    {
      name: 'app',
      login: true,
      superuser: false,
      bypassRls: false,
      replication: false,
      memberOf: ['tenant_user'],
      path: ['app'],
      owns: [],
    },
    {
      name: 'postgres',
      login: true,
      superuser: true,
      bypassRls: true,
      replication: true,
      memberOf: [],
      path: undefined,
      owns: ['public.documents'],
    },
  ],
  relations: [
    {
      object: 'public.documents',
      kind: 'table',
      owner: 'postgres',
      rowSecurity: false,
      forced: false,
      bound: 'tenant',
      column: 'tenant_id',
      policies: [
        {
          name: HOSTILE,
          permissive: true,
          command: 'all',
          roles: ['PUBLIC'],
          using: "(tenant_id = current_setting('app.current_tenant_id'::text)::uuid)",
          check: HOSTILE,
        },
      ],
    },
    {
      object: 'public.countries',
      kind: 'table',
      owner: 'postgres',
      rowSecurity: false,
      forced: false,
      bound: undefined,
      column: undefined,
      policies: [],
    },
  ],
  attacks: [{ name: 'read-across', probes: 7, reached: ['public.documents', HOSTILE] }],
  controls: [
    { object: 'public.documents', verb: 'select', role: 'app', status: 'worked' },
    { object: 'public.documents', verb: 'update', role: 'app', status: 'not-run' },
  ],
  leaks: [{ object: 'public.documents', verb: 'select', by: 'attack', keys: [leak.key] }],
  held: [
    {
      rows: [{ object: 'public.documents', sql: 'INSERT INTO public.documents (id) VALUES (1);' }],
      actors: [{ name: 'as app, tenant A', sql: 'set local role app;' }],
      statements: [
        {
          attack: 'write-across',
          object: 'public.documents',
          verb: 'update',
          by: 'as app, tenant A',
          role: 'app',
          sql: 'update public.documents set id = id;',
          check: 'select ctid from public.documents;',
          outcome: '1 row',
          tries: 3,
        },
        { attack: 'become', object: HOSTILE, sql: `select '${HOSTILE}';`, outcome: 'error 42501', tries: 1 },
      ],
    },
  ],
  scripts: [
    {
      object: 'public.documents',
      verb: 'select',
      by: 'as app, tenant A',
      sql: `BEGIN;\nSELECT 1 FROM public.documents;\n-- ${HOSTILE.replaceAll('\n', ' ')}\nROLLBACK;`,
    },
  ],
}

export function sampleDocument(changes: Partial<ReportDocument> = {}): ReportDocument {
  const findings = changes.findings ?? [leak, hostile]
  return {
    toolVersion: '0.1.0',
    target: 'migrations/',
    failOn: 'medium',
    notes: ['PostgreSQL 18, started for this run', 'found tenant_id in 3 of 4 tables'],
    setUp: ['CREATE ROLE app LOGIN;'],
    gaps: ['a dump holds no role attributes'],
    warnings: ['baseline entry expired'],
    findings,
    singly: findings,
    origin: 'files',
    examined,
    accepted: [
      {
        finding: { ...leak, rule: 'grant-truncate', key: 'grant-truncate:public.users' },
        reason: 'ops',
        expires: '2026-12-31',
      },
    ],
    tables: [
      {
        object: 'public.documents',
        verbs: { select: 'leaks', insert: 'proved', update: 'held', delete: 'unproved' },
        reasons: { delete: 'no row could be planted' },
      },
      { object: HOSTILE, verbs: { select: 'unreliable' }, reasons: { select: HOSTILE } },
    ],
    unwalled: [{ object: 'public.countries', verbs: ['select'], reason: HOSTILE }],
    attacks: [{ name: 'read-across', title: 'reads each table as another tenant' }],
    rules: [
      {
        id: 'rls-disabled',
        group: 'rls',
        title: 'Row-level security is off',
        severity: 'critical',
        meaning: 'Every tenant reads all rows.',
        remedy: 'Enable it.',
      },
    ],
    checklist: [
      { section: 'Completed', title: 'Row-level security policies configured', verdict: 'failed', detail: 'a leak' },
    ],
    internalErrors: [{ where: 'rule x', message: HOSTILE }],
    run: {
      database: 'app',
      serverVersion: 180004,
      schemaDigest: 'a'.repeat(64),
      mode: 'attack',
      sealed: false,
      appRole: 'app',
      actingRoles: ['app'],
      tenantColumns: ['tenant_id'],
      setting: 'app.current_tenant_id',
      rootTable: undefined,
      reachable: true,
      grantsMissing: [],
      notes: [],
      counts: {
        findings: { info: 0, low: 1, medium: 0, high: 0, critical: 2 },
        verdicts: { ...noVerdicts(), proved: 1, held: 1, leaks: 1, unproved: 1, unreliable: 1 },
        rules: 1,
        attacks: 1,
        probes: 12,
        tables: 2,
        tablesPlanted: 1,
      },
      internalErrors: [],
    },
    summary: {
      findings: { info: 0, low: 1, medium: 0, high: 0, critical: 1 },
      accepted: 1,
      verdicts: { ...noVerdicts(), proved: 1, held: 1, leaks: 1, unproved: 1, unreliable: 1 },
      tables: 2,
      rules: 1,
      probes: 12,
      exitCode: 1,
      verdict: 'Isolation is broken.',
    },
    locate: (object) => (object === 'public.documents' ? { file: 'migrations/0001 a.sql', line: 7 } : undefined),
    ...changes,
  }
}
