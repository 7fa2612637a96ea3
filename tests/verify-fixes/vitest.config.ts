import { casesConfig } from '../verify-peers/cases-config.ts'

// npm run verify:fixes. A run of its own: several minutes, since each schema is verified six times.
export default casesConfig('tests/verify-fixes/*.run.ts', 300_000)
