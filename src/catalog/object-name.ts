import { createHash } from 'node:crypto'

/** A name of at most 63 bytes. A longer name is cut and gets a hash, so that two long names stay different. */
export function objectName(parts: readonly string[], suffix = ''): string {
  const whole = `${parts.join('_')}${suffix}`
  if (Buffer.byteLength(whole) <= 63) return whole
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 8)
  let front = parts.join('_')
  while (Buffer.byteLength(`${front}_${hash}${suffix}`) > 63) front = front.slice(0, -1)
  return `${front}_${hash}${suffix}`
}
