import { rich } from './markup.ts'

/** The words that a reader of the report needs, because the report may be read without the manual. */
const WORDS: readonly (readonly [word: string, meaning: string])[] = [
  [
    'attack',
    'A kind of attempt, as planted tenant A or without a tenant, to read, write or reveal rows of another tenant. An attack sends probes.',
  ],
  [
    'probe',
    'One savepoint in which statements are sent as one role in one context. It is rolled back. One probe may hold many statements, so counts of probes are no counts of attacks.',
  ],
  [
    'planted row',
    'A row that is inserted for one of two made-up tenants, A and B, and rolled back at the end. No row of a customer is used. A rollback does not move sequences back, and leaves the space of the rows in the files.',
  ],
  [
    'control',
    'A statement that must succeed before an attack counts: tenant B, in its own context, reads or writes its own planted row. Without it, an attack that reached nothing would show nothing. In the sections about standards, a control is a line of the standard.',
  ],
  ['context', 'What a session says about itself before its statement: the tenant, in a setting of PostgreSQL.'],
  [
    'seal',
    'A message authentication code over the context, made by the application with a secret. Policies of a sealed schema check it. A result in sealed contexts holds only where the application makes seals and its secret is kept: anyone who has the secret can act as any tenant.',
  ],
  [
    'proved',
    'The text of the policies was parsed. Whichever way a row passes them, its tenant column equals the tenant of the session, and a control succeeded. Assumed: the setting names the right tenant, PostgreSQL applies its policies as its manual says, and the session works as one of the roles in reach.',
  ],
  ['held', 'Attacked, no row of another tenant was reached, and a control succeeded. This is a test and no proof.'],
  [
    'in reach',
    'A role as which an attacker inside the application can act: the role of the application’s login, and each role that the login can become with SET ROLE or whose rights it inherits. Owners of tables are in reach only if they are one of these.',
  ],
  [
    'copy',
    'A copy of the schema with rows of its own, in which fixes are tried before they are printed. It is not the transaction of the attacks and has no seals. “No session reached any row” of the copy says that the trial could not show the fix to be harmless; it says nothing about the verdicts.',
  ],
  ['cell', 'One table and one verb (SELECT, INSERT, UPDATE, DELETE).'],
  [
    'finding',
    'A hole or a risk that a rule or an attack reports. The key names it in later runs. A finding may stand for several objects with one cause. Status “open”: no baseline accepts it.',
  ],
  [
    'severity',
    'How urgent partywall takes a finding to be. The severity weighs the effect and the condition that the effect needs, so a lower severity does not say that no row of another tenant is reached. `critical`: a session of the application can read or write rows of other tenants. `high`: the same under a condition that an attacker can often meet. `medium`: a part of that, or the loss of a protection against a second mistake. `low` and `info`: the effect is small, or it needs a condition that partywall takes for rare, or for usual in such a schema. Two examples with an effect across tenants: without seals, a session that runs SQL of its choice names another tenant; and an UPDATE moves a row of the own tenant to another. `info` never fails a run. Where the severity is not that of the rule, the finding says why.',
  ],
  [
    'schema digest',
    'SHA-256 over the catalog of the database as partywall reads it, each part as a pair of name and definition, sorted, without object ids. It covers schemas, tables with columns, constraints, indexes, policies, triggers and rewrite rules, views, functions, types, operators, casts, publications, subscriptions, event triggers, languages, foreign servers, security labels, extensions by name, owners, privileges on all of these, on the database and on objects of PostgreSQL, and default privileges. It covers the roles that these name, the members of those roles, and the roles that any of them can become, with attributes and memberships; and, for these roles and for all, stored settings and privileges on parameters. Objects of the schema `partywall` count too; where there is one, a second digest leaves out its objects and its roles. A restored copy has the same digest if owners, roles, settings and privileges of the database were restored with it: `pg_dump` copies settings and privileges of the database with `--create`, and `pg_dumpall` copies roles. Another major version of PostgreSQL may print a definition differently, and then gives another digest. The digest can be computed with `partywall verify` on any copy; it is no digest of the files, which the section on input files lists. Scope says what it does not cover.',
  ],
]

export function glossaryOf(): string {
  return `<dl>${WORDS.map(([word, meaning]) => `<dt>${rich(word)}</dt><dd>${rich(meaning)}</dd>`).join('\n')}</dl>`
}
