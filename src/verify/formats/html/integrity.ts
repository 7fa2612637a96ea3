import type { ReportDocument } from '../document.ts'
import { documentDigest, reportId } from '../document-digest.ts'
import { code, listOfHtml, text } from './markup.ts'

/**
 * Prints the digest of a JSON document in canonical form (RFC 8785): sorted members, no white space. `docs/verify.md` has the same command,
 * and a test runs it.
 */
export const DIGEST_COMMAND = `node -e 'const c = (v) => Array.isArray(v) ? "[" + v.map(c) + "]" : v && typeof v === "object" ? "{" + Object.keys(v).sort().map((k) => JSON.stringify(k) + ":" + c(v[k])) + "}" : JSON.stringify(v); console.log(require("crypto").createHash("sha256").update(c(JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")))).digest("hex"))' report.json`

/** Prints the digest of an installed package. Run in its folder. */
export const PACKAGE_COMMAND = String.raw`find dist/src dist/cli migrations package.json -type f \( -name '*.js' -o -name '*.sql' -o -name package.json \) | LC_ALL=C sort | xargs sha256sum | sha256sum`

/** Says when a second run has the same digest, and what may change the digest. */
function againOf({ origin, findings, run }: ReportDocument): string {
  const source =
    origin === 'database'
      ? 'the same server. The server is the same if nobody changed its version, settings and roles, the schema, and the settings that are stored for roles and the database, and if the answer to “rows before the run” is the same. A copy on another host, port or database has another digest; compare the schema digest there'
      : origin === 'files'
        ? 'the same files under the same path, and the same server version'
        : 'a command that makes the same schema, and the same server version'
  const untried = findings.some(({ fix }) => fix.includes('the time limit was reached'))
  const limits = [
    untried
      ? 'In this run some fixes were not tried, because the time for that was over; a faster or slower run may try other fixes. With --fix all fixes are tried.'
      : 'Without --fix the trial of fixes ends after five seconds; a slower run may leave some fixes untried, and then says so.',
    ...(run.notes.some((note) => note.includes('ran into the time limit'))
      ? ['In this run some probes ran into the time limit; a faster or slower run may differ.']
      : ['A probe that runs into the time limit on a slower machine changes the report, and a note says so.']),
    'Times and planted values in errors are replaced. Other values may differ if code of the schema takes them from a random source or a counter and writes them into an error.',
  ]
  return `A second run has the same digest with the same command and environment, the same files of the options, the same partywall and packages, and ${source}. ${limits.join(' ')}`
}

/** Explains how a reader shows that the report is the file that a run wrote, and that the run can be repeated. */
export function integrityOf(document: ReportDocument): string {
  const id = reportId(document)
  const named = id === undefined ? '' : ` report ${code(id)},`
  const items = [
    `The run printed${named} the digest ${code(documentDigest(document))}, and the SHA-256 of each file that it wrote, to its standard error: the log of the job holds them. A file is unchanged if <code>sha256sum</code> prints the digest of the log. A print or a PDF has no digest of its own: the id on each of its pages leads to the log.`,
    'The digest of the report covers findings, verdicts, roles, grants, policies, the server (version, settings, extensions, and with <code>--database-url</code> its system identifier, if verify could read it), input files (by digest), the package, and what was judged: host, port and database, or a path. It covers no time and no planted value. The scripts, and the statements that reached nothing, hold planted values, which differ from run to run: the SHA-256 of the file alone covers them.',
    againOf(document),
    'This file does not hold the JSON document, so its digest can’t be computed from this file alone. File both: <code>--report html=report.html --report json=report.json</code> writes them in one run.',
    `This prints the digest of the JSON document:<pre>${text(DIGEST_COMMAND)}</pre>`,
    ...(document.tool?.built === true
      ? [`This prints the digest of the package, in its folder:<pre>${text(PACKAGE_COMMAND)}</pre>`]
      : []),
    'The report is not signed. The CI job can sign the file, because only the job has an identity: with <code>actions/attest-build-provenance</code> on GitHub, or with <code>cosign sign-blob</code>. “Sign a report” in the manual of <code>partywall verify</code> has the commands.',
  ]
  return listOfHtml(items)
}
