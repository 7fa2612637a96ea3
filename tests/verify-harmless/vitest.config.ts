import { casesConfig } from '../verify-peers/cases-config.ts'

// npm run verify:harmless. A run of its own: each fix and each migration is tried by every user on every row.
export default casesConfig('tests/verify-harmless/harmless.run.ts', 120_000)
