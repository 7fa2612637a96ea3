/** A time stamp in UTC, such as `20260131093000`. It is `seconds` after `now`, so that the migrations of one run keep their order. */
export function stampAfter(now: Date, seconds: number): string {
  return new Date(now.getTime() + seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14)
}
