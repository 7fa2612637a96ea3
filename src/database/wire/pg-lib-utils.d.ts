/** Declares the parts of `pg/lib/utils` that partywall uses; `@types/pg` leaves them out. */
declare module 'pg/lib/utils.js' {
  const utils: {
    /** A value as PostgreSQL takes it; calls `toPostgres()`. */
    prepareValue(value: unknown): string | Buffer | null
  }
  export default utils
}
