import { casesConfig } from './cases-config.ts'

// npm run verify:peers. A run of its own: it measures and names cases, and is no part of the test suite.
export default casesConfig('tests/verify-peers/peers.run.ts', 1_800_000)
