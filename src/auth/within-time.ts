/** Awaits a call for a limited time. The call itself goes on. @throws the error of `late` after that time */
export async function withinTime<T>(call: () => Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), timeoutMs)
  })
  try {
    return await Promise.race([call(), tooLate])
  } finally {
    clearTimeout(timer)
  }
}
