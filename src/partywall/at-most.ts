/** Waits for the work, but no longer than this. The timer does not keep the process alive. */
export async function atMost(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs).unref()
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
