import { statfs } from 'node:fs/promises'

const ENOUGH = 4 * 1024 ** 3

/**
 * A folder in memory, if this machine has one with 4 GiB free, for the data of the tests' server: on ext4 a fifth of the server's time goes
 * into files of databases that are created and dropped. Containers often have 64 MB there.
 */
export async function memoryFolder(): Promise<string | undefined> {
  const folder = '/dev/shm'
  const stats = await statfs(folder).catch(() => undefined)
  return stats !== undefined && stats.bavail * stats.bsize >= ENOUGH ? folder : undefined
}
