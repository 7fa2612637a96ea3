/** One place of the wall taken out, by a change to the built code. */
export interface Mutant {
  readonly name: string
  readonly breaks: string
  /** Files below dist/src, with what is replaced; an edit that no longer applies is an error, never a pass. */
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[]
  /** Also takes away the layer behind it. */
  readonly grantTemporary?: boolean
  readonly unsealed?: boolean
}

const guard = 'database/connection-guard.js'
const tagsAreClean = {
  file: guard,
  find: 'if (!leavesResidue(tag)',
  replace: 'if (true || !leavesResidue(tag)',
}

export const mutants: readonly Mutant[] = [
  {
    name: 'no-prefix-after-an-error',
    breaks: 'the statement after a failed one is sent without its context',
    edits: [
      {
        file: guard,
        find: 'finished(frame, ok, status) {',
        replace: 'finished(frame, ok, status) {\n        if (!ok) this.skipNext = true;',
      },
      {
        file: guard,
        find: "if ((status === 'E' && !this.settings.shared) || this.bytes === undefined)",
        replace:
          "if (this.skipNext) {\n            this.skipNext = false;\n            return 0;\n        }\n        if ((status === 'E' && !this.settings.shared) || this.bytes === undefined)",
      },
    ],
  },
  {
    name: 'release-in-a-transaction',
    breaks: 'a connection whose transaction is open goes back to the pool',
    edits: [
      {
        file: guard,
        find: "if (status !== 'I')\n            return 'a transaction was left open",
        replace: "if (false)\n            return 'a transaction was left open",
      },
    ],
  },
  {
    name: 'callback-context-lost',
    breaks: 'callbacks run in the context of whoever frees a connection',
    edits: [
      {
        file: 'database/query-arguments.js',
        find: 'query.answerTo = AsyncResource.bind(callback)',
        replace: 'query.answerTo = callback',
      },
      {
        file: 'database/tenant-pool.js',
        find: 'const bound = AsyncResource.bind(callback);',
        replace: 'const bound = callback;',
      },
    ],
  },
  {
    name: 'no-search-path-pin',
    breaks:
      'a temporary table of a tenant table’s name catches the next tenant’s writes (tag check off and TEMP granted, too)',
    edits: [
      {
        file: 'database/context-statement.js',
        find: "pins.push(setting('search_path', pg.escapeLiteral(settings.searchPath)), ",
        replace: 'pins.push(',
      },
      tagsAreClean,
    ],
    grantTemporary: true,
  },
  {
    name: 'session-wide-setting',
    breaks:
      'the context outlives its transaction (watch over reported parameters off, too: it destroys such connections)',
    edits: [
      { file: 'database/context-statement.js', find: ', true)`', replace: ', false)`' },
      { file: guard, find: 'const [drifted] = this.#drifted;', replace: 'const drifted = undefined;' },
    ],
  },
  {
    name: 'no-owner-check',
    breaks: 'a client that was checked out for one tenant serves another',
    edits: [
      { file: guard, find: 'if (this.owner !== undefined && this.owner !== frame.tenantId)', replace: 'if (false)' },
    ],
  },
  {
    name: 'cancel-reuse',
    breaks: 'a connection is used again before its cancel request was delivered',
    edits: [{ file: 'database/tenant-client.js', find: 'guard.cancelling = request;', replace: '' }],
  },
  {
    name: 'seal-cached-across-tenants',
    breaks: 'the context of one tenant is sent for the next',
    edits: [
      {
        file: 'database/context-bytes.js',
        find: 'known.get(identity.key);',
        replace: '[...known.values()].at(-1);',
      },
    ],
  },
  {
    name: 'tag-check-off',
    breaks: 'what a command leaves on a connection is not taken away',
    edits: [tagsAreClean],
  },
  {
    name: 'prefix-before-begin',
    breaks: 'the context goes before BEGIN and takes its snapshot',
    edits: [
      {
        file: guard,
        find: 'if (!carriesData(kind))\n            return this.#beforeControl',
        replace: "if (!carriesData(kind) && kind !== 'begin')\n            return this.#beforeControl",
      },
    ],
  },
  {
    name: 'context-captured-late',
    breaks: 'a query that waited for a connection runs for whoever freed it',
    edits: [
      {
        file: 'database/tenant-pool.js',
        find: 'client.run(query);',
        replace: '{ query.frame = tenantStore.getStore() ?? query.frame; client.run(query); }',
      },
    ],
  },
  {
    name: 'no-reset-between-tenants',
    breaks: 'settings that a SELECT made for the session stay for the next tenant',
    edits: [
      {
        file: guard,
        find: 'return this.#residueOf !== undefined && ',
        replace: 'return false && this.#residueOf !== undefined && ',
      },
    ],
  },
  {
    name: 'unnamed-statement-trusted',
    breaks: 'a pipelined connection binds whatever the unnamed statement holds, as its context',
    edits: [
      {
        file: guard,
        find: 'unnamedInDoubt() {',
        replace: 'unnamedInDoubt() {\n        return;',
      },
    ],
  },
]
