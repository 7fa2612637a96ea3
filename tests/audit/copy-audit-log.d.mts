import type pg from 'pg'

/** Copies the audit log of one database into another that was migrated and holds none. @returns how many rows */
export declare function copyAuditLog(source: pg.ClientBase, target: pg.ClientBase): Promise<number>
