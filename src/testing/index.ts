export type { KitDatabaseOptions } from './kit-database.ts'
export {
  type AdminQuery,
  type AppUnderTest,
  startTestKit,
  type TestKit,
  type TestKitEnv,
  type TestKitOptions,
} from './start-test-kit.ts'
export type { TenantsTable } from './tenant-rows.ts'
export { TenantTestHelper, type TenantTestParts, type TokenChanges } from './tenant-test-helper.ts'
export type { ApiAnswer, ApiInit, TestApi } from './test-api.ts'
export type { KitIssuer } from './test-issuer.ts'
