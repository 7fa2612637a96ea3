import { afterEach, beforeEach } from 'vitest'

// A mutant is found by the first test that fails. The rest of the file would only wait for its time-outs.
let failed = false

beforeEach(({ skip }) => {
  if (failed) skip()
})

afterEach(({ task }) => {
  failed ||= task.result?.state === 'fail'
})
