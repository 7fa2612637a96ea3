export { drizzleCache } from './hooks/drizzle.ts'
export { mikroCache } from './hooks/mikro.ts'
export { typeormCache } from './hooks/typeorm.ts'
export { perContext } from './per-context.ts'
export { type CacheLibrary, type CacheStore, memoryStore } from './store.ts'
export {
  createTenantCache,
  type TenantCache,
  type TenantCacheOptions,
  type TenantCacheParts,
} from './tenant-cache.ts'
