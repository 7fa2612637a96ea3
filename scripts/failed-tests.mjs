// The tests that failed in a report of vitest's json reporter: a line each, with the first line of the reason.
// A long log hides what failed; `.ci/run` repeats these lines at its end.
import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const firstLine = (message) => stripVTControlCharacters(message ?? '').split('\n', 1)[0]

export function failedTests(report, root) {
  return (report?.testResults ?? []).flatMap((file) => {
    const path = relative(root, file.name)
    const failed = file.assertionResults.filter((test) => test.status === 'failed')
    // A suite that fails before its first test has no failed test to name.
    if (file.status === 'failed' && failed.length === 0) return [`${path}: ${firstLine(file.message)}`]
    return failed.map((test) => `${path}: ${test.fullName}: ${firstLine(test.failureMessages[0])}`)
  })
}

/** Prints the lines, and adds them to the file that PARTYWALL_FAILED_TESTS names. */
export function nameFailedTests(lines) {
  if (lines.length === 0) return
  const text = lines.map((line) => `✗ ${line}`).join('\n')
  console.log(`\n${text}`)
  const file = process.env.PARTYWALL_FAILED_TESTS
  if (file) appendFileSync(file, `${text}\n`)
}
