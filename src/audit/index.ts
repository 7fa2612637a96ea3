export { type AnchorStore, anchorFile, readAnchorFile } from './anchor-file.ts'
export type { AuditEvent, AuditInput, AuditOutcome, AuditPool, AuditQueryable } from './audit-event.ts'
export { SENSITIVE_ACTIONS } from './audit-event.ts'
export { type AuditSealer, createAuditSealer, type SealTick } from './audit-sealer.ts'
export type { AuditFormat } from './export-events.ts'
export { inclusionProof, merkleRoot, verifyInclusion } from './merkle.ts'
export type { AuditMode, TenantAuditLoggerOptions } from './options.ts'
export { type PruneOptions, pruneAuditMonth } from './prune-month.ts'
export { type AuditFilter, type AuditPage, queryEvents } from './query-events.ts'
export { type RecordRefusalsOptions, type RefusalRecorder, recordRefusals } from './record-refusals.ts'
export type { PublishedAnchor } from './records.ts'
export type { AuditSealerOptions } from './sealer-options.ts'
export { createPemSigner, generateAuditKeys, type Signer } from './signer.ts'
export { type LogOptions, TenantAuditLogger } from './tenant-audit-logger.ts'
export {
  type AuditVerdict,
  type Damage,
  type DamageKind,
  type VerifyAuditOptions,
  verifyAuditLog,
} from './verify-log.ts'
