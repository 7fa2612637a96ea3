/** How events are folded. */
interface FoldOptions<Event> {
  /** Length of a window in milliseconds. Further events of a source in the same window become one event with their count. */
  readonly windowMs: number
  /** Maximum number of sources that are counted separately in a window. Events of all other sources are counted together, per type. */
  readonly maxSources: number
  readonly typeOf: (event: Event) => string
  /** The source of an event as text. Events with the same text have the same source. */
  readonly sourceOf: (event: Event) => string
  /** Returns the event without its source, for events that are counted together. */
  readonly withoutSource: (event: Event) => Event
  /**
   * @param count number of events that the written event represents
   * @param first whether the written event is the first event of its source in this window
   */
  readonly write: (event: Event, count: number, first: boolean) => void
}

/**
 * Writes the first event of each source at once, and the repeats as one event with their count, so that nobody can fill a log. The timer
 * does not keep the process alive.
 */
export class FoldedEvents<Event> {
  readonly #options: FoldOptions<Event>
  readonly #sources = new Map<string, { readonly event: Event; folded: number }>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: FoldOptions<Event>) {
    this.#options = options
  }

  add(event: Event): void {
    const { sourceOf, typeOf, maxSources, withoutSource, windowMs, write } = this.#options
    let key = sourceOf(event)
    const overflow = !this.#sources.has(key) && this.#sources.size >= maxSources
    if (overflow) key = `rest ${typeOf(event)}`
    const known = this.#sources.get(key)
    if (known !== undefined) {
      known.folded++
      return
    }
    // Events that are counted together have no single source.
    this.#sources.set(key, { event: overflow ? withoutSource(event) : event, folded: overflow ? 1 : 0 })
    if (!overflow) write(event, 1, true)
    this.#timer ??= setTimeout(() => this.flush(), windowMs).unref()
  }

  /** Ends the current window and writes its counts. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const ended = [...this.#sources.values()]
    this.#sources.clear()
    for (const { event, folded } of ended) if (folded > 0) this.#options.write(event, folded, false)
  }
}
