import { setMaxListeners } from 'node:events'
import { ConfigurationError } from '../../src/errors.ts'

const signals = ['SIGINT', 'SIGTERM'] as const

/**
 * Runs `work` until it ends, a signal arrives or the time is up. A signal or the time limit aborts the AbortSignal that `work` got: `work`
 * then closes its connections, and the server rolls back. A second signal ends the process at once.
 */
export async function untilInterrupted<T>(
  timeoutMs: number | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal) // each connection of a run adds a listener
  const interrupt = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(2)
    controller.abort(new ConfigurationError(`Interrupted by ${name}: everything was rolled back.`))
  }
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          const sentence = `Not finished within --timeout (${timeoutMs / 1000} s): everything was rolled back.`
          controller.abort(new ConfigurationError(sentence))
        }, timeoutMs)
  for (const signal of signals) process.on(signal, interrupt)
  try {
    return await work(controller.signal)
  } catch (error) {
    // Report the reason of the abort, and not the error of the statement that the abort interrupted.
    throw controller.signal.aborted ? controller.signal.reason : error
  } finally {
    clearTimeout(timer)
    for (const signal of signals) process.removeListener(signal, interrupt)
  }
}
