export { type MovedTenant, type MoveTenantOptions, moveTenant } from '../migrate/move-tenant/move-tenant.ts'
export {
  type Admission,
  type AdmissionOptions,
  type AdmissionOrigin,
  type AdmissionRequest,
  type AdmissionVerifier,
  type AdmittedToken,
  createAdmission,
} from './admission.ts'
export type { TenantHint } from './agreement.ts'
export { type ChangeListener, type ChangeListenerOptions, createChangeListener } from './change-listener.ts'
export { type CachedTenantDirectory, createTenantDirectory, type TenantDirectoryOptions } from './directory.ts'
export type { Duration } from './duration.ts'
export {
  type CurrentMembership,
  createEnvelopes,
  type EnvelopeOptions,
  type Envelopes,
  type ExportOptions,
  type ImportOptions,
} from './envelope.ts'
export { createPostgresLookup, type DirectoryPool } from './postgres-lookup.ts'
export { RunningWork, type Work } from './running-work.ts'
export { isActive, type Tenant, type TenantDirectory, type TenantLookup } from './tenant.ts'
