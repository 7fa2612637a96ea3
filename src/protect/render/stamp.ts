/** `20260131093000`, in UTC, `seconds` later: migrations of one run stay in order. */
export function stampAfter(now: Date, seconds: number): string {
  return new Date(now.getTime() + seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14)
}
