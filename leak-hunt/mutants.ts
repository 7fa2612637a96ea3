import type { Weakness } from './weaken.ts'

/** One protection that is taken out, by a change of the built code or of the database. */
export interface Mutant {
  readonly name: string
  readonly breaks: string
  /**
   * Files below dist/src with the text to replace. If the text is not found, the run ends with an error, so that it can't pass by mistake.
   */
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[]
  /** Also takes out a protection of the database: the mutant itself, or the layer that would stop the attack next. */
  readonly weaken?: Weakness
  readonly unsealed?: boolean
}

const guard = 'database/connection/session/connection-guard.js'
const prefixWriter = 'database/connection/session/prefix-writer.js'
const tagsAreClean = {
  file: guard,
  find: "(kind !== 'other' && !leavesResidue(tag))",
  replace: 'true',
}

export const mutants: readonly Mutant[] = [
  {
    name: 'no-prefix-after-an-error',
    breaks: 'the statement after a failed one is sent without its context',
    edits: [
      {
        file: 'database/connection/tenant-client.js',
        find: 'queryFinished() {',
        replace: 'queryFinished(failed) {\n        if (failed) this.guard.skipNext = true;',
      },
      {
        file: 'database/connection/query/tenant-query.js',
        find: 'this.host?.queryFinished();',
        replace: 'this.host?.queryFinished(this.failure !== undefined);',
      },
      {
        file: guard,
        find: "if (open && status === 'E')",
        replace:
          "if (this.skipNext) {\n            this.skipNext = false;\n            return 0;\n        }\n        if (open && status === 'E')",
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
        file: 'database/connection/query/query-arguments.js',
        find: 'query.answerTo = bindToCaller(callback)',
        replace: 'query.answerTo = callback',
      },
      {
        file: 'database/pool/walled-pool.js',
        find: 'const bound = bindToCaller(callback);',
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
        file: 'database/connection/session/session-reset.js',
        find: "['search_path', settings.searchPath],",
        replace: '',
      },
      tagsAreClean,
    ],
    weaken: 'temporary',
  },
  {
    name: 'session-wide-setting',
    breaks:
      'the context outlives its transaction (watch over reported parameters off, too: it destroys such connections)',
    edits: [
      { file: 'database/connection/session/context-statement.js', find: ', true)`', replace: ', false)`' },
      { file: guard, find: 'const { changed } = this.#parameters;', replace: 'const changed = undefined;' },
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
    edits: [{ file: 'database/connection/tenant-client.js', find: 'guard.cancelSent(request);', replace: '' }],
  },
  {
    name: 'seal-cached-across-tenants',
    breaks: 'the context of one tenant is sent for the next',
    edits: [
      {
        file: 'database/connection/session/context-bytes.js',
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
        find: "if (!carriesData(kind) && (open || kind !== 'show'))",
        replace: "if (!carriesData(kind) && kind !== 'begin' && (open || kind !== 'show'))",
      },
    ],
  },
  {
    name: 'context-captured-late',
    breaks: 'a query that waited for a connection runs for whoever freed it',
    edits: [
      {
        file: 'database/pool/walled-pool.js',
        find: 'client.run(next);',
        replace: '{ next.frame = tenantStore.getStore() ?? next.frame; client.run(next); }',
      },
    ],
  },
  {
    name: 'no-reset-between-tenants',
    breaks: 'settings that a SELECT made for the session stay for the next tenant',
    edits: [
      {
        file: 'database/connection/session/session-fronts.js',
        find: 'const reset = [RESET_STATEMENT,',
        replace: 'const reset = [',
      },
      {
        file: prefixWriter,
        find: 'return !(place === 0 && this.#cleansFirst',
        replace: 'return !(false && place === 0 && this.#cleansFirst',
      },
      { file: guard, find: 'const { changed } = this.#parameters;', replace: 'const changed = undefined;' },
    ],
  },
  {
    name: 'nothing-forgotten',
    breaks: 'seed, sequences and locks of one user stay for the next',
    edits: [{ file: prefixWriter, find: 'return this.#settings.shared || (', replace: 'return false && (' }],
  },
  {
    name: 'defaults-of-the-last-transaction',
    breaks: 'on a pipelined connection a tenant’s read-only default begins the next tenant’s transaction',
    edits: [
      { file: 'database/connection/session/session-fronts.js', find: '...(shared ? [readOnly] : []), ', replace: '' },
      {
        file: guard,
        find: 'if (this.#parameters.report(name, value) && this.settings.shared)',
        replace: 'if (this.#parameters.report(name, value) && false)',
      },
    ],
  },
  {
    name: 'user-code-of-the-opener',
    breaks: 'values and parsers run in the context of whoever opened or freed the connection',
    edits: [
      {
        file: 'database/connection/query/tenant-query.js',
        find: 'this.#caller.runInAsyncScope(this.submitAsCaller, this, connection)',
        replace: 'this.submitAsCaller(connection)',
      },
    ],
  },
  {
    name: 'parsers-of-the-opener',
    breaks: 'type parsers run in the context of whoever opened the connection',
    edits: [
      {
        file: 'database/connection/query/tenant-query.js',
        find: 'this.#caller.runInAsyncScope(this._result.parseRow, this._result, message.fields)',
        replace: 'this._result.parseRow(message.fields)',
      },
    ],
  },
  {
    name: 'queries-before-connect',
    breaks: 'a statement that was asked for before connect() settled runs without tenant, seal and role',
    edits: [
      { file: 'database/connection/tenant-client.js', find: 'this.#chore = this.#gate.passed;', replace: '' },
      { file: guard, find: "if (this.#session.name === 'opening') {", replace: 'if (false) {' },
      {
        file: guard,
        find: "if (prefix.bytes === undefined)\n            throw new ConnectionInDoubtError('The connection was not set up yet; nothing was sent.');",
        replace: 'if (prefix.bytes === undefined)\n            return 0;',
      },
    ],
  },
  {
    name: 'select-into-is-a-select',
    breaks: 'a temporary table of a tenant table’s name is made by a SELECT (TEMP granted)',
    edits: [{ file: 'database/statement/select-into.js', find: 'if (!/into/i.test(text))', replace: 'if (true)' }],
    weaken: 'temporary',
  },
  {
    name: 'one-prisma-loader',
    breaks: 'Prisma’s batches of two tenants run in the context of the first',
    edits: [
      {
        file: 'middleware/prisma.js',
        find: 'handler.dataloader = new LoaderPerContext(() => new Loader(options));',
        replace: 'void LoaderPerContext;',
      },
    ],
  },
  {
    name: 'unnamed-statement-trusted',
    breaks: 'a pipelined connection binds whatever the unnamed statement holds, as its context',
    edits: [
      {
        file: 'database/connection/session/unnamed-statement.js',
        find: 'inDoubt() {',
        replace: 'inDoubt() {\n        return;',
      },
    ],
  },
  {
    name: 'path-of-the-shared-tables',
    breaks: 'a tenant in a schema of its own reads and writes the shared tables',
    edits: [
      {
        file: 'database/connection/session/context-identity.js',
        find: "placement === '' ? settings.searchPath : settings.pathOf(placement)",
        replace: 'settings.searchPath',
      },
    ],
  },
  {
    name: 'identity-without-placement',
    breaks: 'after a move the pool sends the context of the old place',
    edits: [
      {
        file: 'database/connection/session/context-identity.js',
        find: "placement === '' ? '' :",
        replace: "'' === '' ? '' :",
      },
    ],
  },
  {
    name: 'outdated-placement-accepted',
    breaks: 'a process with an outdated placement writes to the old place',
    edits: [],
    weaken: 'placement-fence',
  },
  {
    name: 'move-without-fence',
    breaks: 'a tenant writes while its rows are copied',
    edits: [],
    weaken: 'move-fence',
  },
  {
    name: 'schema-without-policies',
    breaks: 'the path alone keeps schemas of tenants apart',
    edits: [],
    weaken: 'schema-policies',
  },
  {
    name: 'blind-watch',
    breaks: 'the protection watch takes every state for the one that it recorded',
    edits: [
      {
        file: 'protection/protection-watch.js',
        find: 'if (isSame(digest, accepted.digest))',
        replace: 'if (true)',
      },
    ],
  },
]
