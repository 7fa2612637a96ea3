/** How events are folded. */
interface FoldOptions<Event> {
  /** The first event of a source is written at once; the others of this window become one with their count. */
  readonly windowMs: number
  /** How many sources are told apart in a window; the rest is counted together, per type. */
  readonly maxSources: number
  readonly typeOf: (event: Event) => string
  /** Events with the same text have one source. */
  readonly sourceOf: (event: Event) => string
  /** The event without its source, for those that are counted together. */
  readonly withoutSource: (event: Event) => Event
  /** @param count how many events this one stands for; @param first whether it is the first of its source in this window */
  readonly write: (event: Event, count: number, first: boolean) => void
}

/** Writes each source's first event at once and its repeats as a count, so that nobody can fill a log. Its timer keeps no process alive. */
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

  /** Ends the window now. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const ended = [...this.#sources.values()]
    this.#sources.clear()
    for (const { event, folded } of ended) if (folded > 0) this.#options.write(event, folded, false)
  }
}
