// The rules' test files import this as 'vitest' in these runs: their cases are taken, and blocks of their own are not run.
export { expect } from 'vitest'

/** Cases may stand within. */
export const describe = (_name: string, block: () => void): void => block()

export const it = Object.assign((): void => {}, { each: () => (): void => {} })
