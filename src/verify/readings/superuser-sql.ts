/**
 * The first line of a fix that only a superuser can run, because superusers own the objects. PostgreSQL does not stop psql when another role
 * runs such a REVOKE: it usually prints the warning "no privileges could be revoked".
 */
export const SUPERUSER_LINE =
  '-- A superuser must run this: superusers own these objects. For any other role PostgreSQL refuses it, or prints only a warning and changes nothing.'

/** A fix that only a superuser can run, and that says so. */
export function bySuperuser(sql: string): string {
  return `${SUPERUSER_LINE}\n${sql}`
}
