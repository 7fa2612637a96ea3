/** Of `pg/lib/utils`, which `@types/pg` leaves out. */
declare module 'pg/lib/utils.js' {
  const utils: {
    /** A value as PostgreSQL takes it; calls `toPostgres()`. */
    prepareValue(value: unknown): string | Buffer | null
  }
  export default utils
}
