// The shape that readers of JUnit's XML expect (Jenkins' junit-10.xsd and Surefire's agree on it): which element stands
// where, and which attributes it must and may have. Counts are sums of what is inside.

interface XmlElement {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: XmlElement[]
}

interface Shape {
  readonly required: readonly string[]
  readonly optional: readonly string[]
  readonly children: readonly string[]
}

const TEXT: Shape = { required: [], optional: [], children: [] }
const OUTCOME: Shape = { required: ['type'], optional: ['message'], children: [] }
const SHAPES: Readonly<Record<string, Shape>> = {
  testsuites: {
    required: [],
    optional: ['name', 'time', 'tests', 'failures', 'errors', 'disabled'],
    children: ['testsuite'],
  },
  testsuite: {
    required: ['name', 'tests', 'failures', 'errors', 'skipped', 'time'],
    optional: ['disabled', 'timestamp', 'hostname', 'id', 'package'],
    children: ['properties', 'testcase', 'system-out', 'system-err'],
  },
  testcase: {
    required: ['name', 'classname'],
    optional: ['time', 'assertions', 'status'],
    children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
  },
  skipped: { required: [], optional: ['message'], children: [] },
  failure: OUTCOME,
  error: OUTCOME,
  'system-out': TEXT,
}

/** What is wrong with a report; empty where it is well-formed, each element has its shape, and the counts are right. */
export function junitProblems(xml: string): readonly string[] {
  const root = parseXml(xml)
  if (typeof root === 'string') return [root]
  return root.name === 'testsuites' ? problemsOf(root) : [`the root is ${root.name}`]
}

function problemsOf(element: XmlElement): readonly string[] {
  const { name, attributes, children } = element
  const shape = SHAPES[name]
  if (shape === undefined) return [`unknown element ${name}`]
  const cases = allOf(element, 'testcase')
  const count = (outcome: string) =>
    cases.filter((each) => each.children.some((child) => child.name === outcome)).length
  const expected = {
    tests: cases.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
  }
  return [
    ...shape.required.filter((key) => !attributes.has(key)).map((key) => `${name} lacks ${key}`),
    ...[...attributes.keys()]
      .filter((key) => !shape.required.includes(key) && !shape.optional.includes(key))
      .map((key) => `${name} has ${key}`),
    ...children.filter((child) => !shape.children.includes(child.name)).map((child) => `${child.name} in ${name}`),
    ...(name.startsWith('testsuite')
      ? Object.entries(expected)
          .filter(([key, value]) => attributes.has(key) && attributes.get(key) !== String(value))
          .map(([key, value]) => `${name} counts ${attributes.get(key)} ${key}, and there are ${value}`)
      : []),
    ...children.flatMap(problemsOf),
  ]
}

function allOf(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.flatMap((child) => (child.name === name ? [child] : allOf(child, name)))
}

/** The root element, or what makes it no XML, as far as we write it: no CDATA, no comments. */
function parseXml(xml: string): XmlElement | string {
  if (!xml.startsWith('<?xml version="1.0" encoding="UTF-8"?>\n')) return 'no XML declaration'
  const body = xml.slice(xml.indexOf('\n') + 1)
  const roots: XmlElement[] = []
  const open: XmlElement[] = []
  for (const part of body.match(/<[^>]*>|[^<]+/g) ?? []) {
    // What XML 1.0 does not allow, even escaped.
    const control = /[^\P{Cc}\t\n\r]|[\ufffe\uffff]/u.exec(part)
    if (control !== null) return `control character in ${part}`
    if (!part.startsWith('<')) {
      if (/&(?!(amp|lt|gt|quot|#39);)|\]\]>/.test(part)) return `bad reference in ${part}`
      if (open.length === 0 && part.trim() !== '') return `text outside of the root: ${part}`
      continue
    }
    const tag = /^<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>$/.exec(part)
    if (tag === null) return `bad tag ${part}`
    const [, end, name = '', written = '', empty] = tag
    if (end === '/') {
      if (open.pop()?.name !== name) return `bad end ${part}`
      continue
    }
    const attributes = [...written.matchAll(/([\w-]+)="([^"]*)"/g)].map(
      ([, key = '', value = '']): [string, string] => [key, value],
    )
    if (attributes.some(([, value]) => /&(?!(amp|lt|gt|quot|#39);)/.test(value))) return `bad reference in ${part}`
    if (new Set(attributes.map(([key]) => key)).size < attributes.length) return `an attribute twice in ${part}`
    const element = { name, attributes: new Map(attributes), children: [] }
    ;(open.at(-1)?.children ?? roots).push(element)
    if (empty === '') open.push(element)
  }
  const [root, ...others] = roots
  if (open.length > 0) return `no end of ${open.map(({ name }) => name)}`
  return root === undefined || others.length > 0 ? `${roots.length} roots` : root
}
