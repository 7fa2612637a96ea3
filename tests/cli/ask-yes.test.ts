import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { askYes } from '../../cli/init/ask-yes.ts'

function terminal(answer: string, isTTY = true) {
  const stdin = Object.assign(new PassThrough(), { isTTY })
  const stdout = new PassThrough()
  stdin.end(answer)
  return { stdin, stdout, shown: () => String(stdout.read() ?? '') }
}

it.each(['y\n', 'Y\n', 'yes\n', ' yes \n'])('%j is a yes', async (answer) => {
  const { shown, ...streams } = terminal(answer)
  expect(await askYes('Do it? ', streams)).toBe(true)
  expect(shown()).toContain('Do it? ')
})

it.each(['\n', 'n\n', 'no\n', 'yep\n', ''])('%j is a no', async (answer) => {
  expect(await askYes('Do it? ', terminal(answer))).toBe(false)
})

it('refuses to take anything for a yes without a terminal', async () => {
  await expect(askYes('Do it? ', terminal('y\n', false))).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
})
