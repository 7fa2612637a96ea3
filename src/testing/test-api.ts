/** An answer of the API under test. */
export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed JSON, otherwise the text; null if there is no body. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape, as with Response.json()
  readonly body: any
}

export interface ApiInit {
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The body. It is sent as JSON, unless it is a string. */
  readonly body?: unknown
  /** A token in place of the tenant's own; null sends none. */
  readonly token?: string | null | undefined
}

/** Requests of one tenant. */
export interface TestApi {
  request(method: string, path: string, init?: ApiInit): Promise<ApiAnswer>
  get(path: string, init?: ApiInit): Promise<ApiAnswer>
  post(path: string, body?: unknown, init?: ApiInit): Promise<ApiAnswer>
  put(path: string, body?: unknown, init?: ApiInit): Promise<ApiAnswer>
  patch(path: string, body?: unknown, init?: ApiInit): Promise<ApiAnswer>
  delete(path: string, init?: ApiInit): Promise<ApiAnswer>
}

/** Makes the requests of one tenant against an address. */
export function createTestApi(baseUrl: string, token: () => Promise<string>): TestApi {
  async function request(method: string, path: string, init: ApiInit = {}): Promise<ApiAnswer> {
    const headers = new Headers(init.headers)
    if (init.token !== null && !headers.has('authorization')) {
      headers.set('authorization', `Bearer ${init.token ?? (await token())}`)
    }
    const body = init.body === undefined || typeof init.body === 'string' ? init.body : JSON.stringify(init.body)
    if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json')
    const response = await fetch(new URL(path, baseUrl), {
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: parsed(text) }
  }
  return {
    request,
    get: (path, init) => request('GET', path, init),
    post: (path, body, init) => request('POST', path, { ...init, body }),
    put: (path, body, init) => request('PUT', path, { ...init, body }),
    patch: (path, body, init) => request('PATCH', path, { ...init, body }),
    delete: (path, init) => request('DELETE', path, init),
  }
}

function parsed(text: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
