// Routes that the written code lets through without a token: exactly those that are marked.
import { describe, expect, it } from 'vitest'
import { publicRoutes } from '../../src/init/wiring/public-routes.ts'
import { wallNest } from '../../src/init/writers/wall-nest.ts'
import { memoryProject } from './memory-project.ts'

const find = (files: Readonly<Record<string, string>>) => publicRoutes(memoryProject(files), 'src/partywall.ts')

const THINGS = `@Controller('things')
export class Things {
  constructor(private readonly all: Repository<Thing>) {}

  @Public()
  @ApiResponse({ status: 200,
    description: 'a } in a text' })
  @Get('free')
  async free(@Query() { a }: { a: string }): Promise<{ b: string }> {
    if (a) { return { b: '}' } }
  }

  @Get('free/secret')
  secret() {}

  @Delete('free')
  remove() {}
}
`

describe('the routes that a decorator marks', () => {
  it('are those of a marked controller, and the marked ones of another', () => {
    const auth =
      "@Public()\n@Controller('auth')\nexport class Auth {\n  @Post('login')\n  login() {}\n  @Get()\n  who() {}\n}\n"
    expect(find({ 'src/auth.ts': auth, 'src/things.ts': THINGS })).toEqual({
      routes: ['GET /auth', 'GET /things/free', 'POST /auth/login'],
      byHand: [],
    })
  })

  it('carry the global prefix of the application', () => {
    const main = "app.setGlobalPrefix('/api/v1')"
    expect(find({ 'src/main.ts': main, 'src/things.ts': THINGS }).routes).toEqual(['GET /api/v1/things/free'])
  })

  it.each([
    ['versions in the path', { 'src/main.ts': 'app.enableVersioning({ type: VersioningType.URI })' }],
    ['a prefix that is not literal', { 'src/main.ts': 'app.setGlobalPrefix(prefix)' }],
    ['exceptions from the prefix', { 'src/main.ts': "app.setGlobalPrefix('api', { exclude: ['things/free'] })" }],
  ])('are left to a person with %s', (_name, files) => {
    const { routes, byHand } = find({ ...files, 'src/things.ts': THINGS })
    expect(routes).toEqual([])
    expect(byHand[0]?.lines.join()).toContain("'GET /things/free'")
  })

  it('are left to a person if a request of another route fits them', () => {
    const text = (mark: string) =>
      `@Controller('a')\nexport class A {\n  @Public()\n  @Get(':id')\n  one() {}\n  ${mark}@Get('mine')\n  mine() {}\n}\n`
    expect(find({ 'src/a.ts': text('') })).toMatchObject({ routes: [], byHand: [{ path: 'src/partywall.ts' }] })
    expect(find({ 'src/a.ts': text('@Public()\n  ') }).routes).toEqual(['GET /a/:id', 'GET /a/mine'])
  })

  it('are left to a person with a path that is no literal text', () => {
    const text = '@Controller(NAME)\nexport class A {\n  @Public()\n  @Get()\n  one() {}\n}\n'
    expect(find({ 'src/a.ts': text })).toMatchObject({ routes: [], byHand: [{ path: 'src/partywall.ts' }] })
  })
})

it('routes without a guard are named, but not excluded, if guards stand on controllers', () => {
  const text =
    "@Controller('auth')\nexport class A {\n  @Post('login')\n  login() {}\n  @UseGuards(Jwt)\n  @Get('me')\n  me() {}\n}\n"
  const { routes, byHand } = find({ 'src/a.ts': text })
  expect(routes).toEqual([])
  expect(byHand[0]?.lines).toEqual(["'POST /auth/login'   // src/a.ts"])
})

describe('the written isPublic', () => {
  const isPublic = (routes: readonly string[], method: string, url: string, headers: object = {}, cors = false) => {
    const [code = ''] = wallNest({
      typed: false,
      typeorm: false,
      async: false,
      publicRoutes: routes,
      cors,
      exported: (name) => `const ${name} = `,
    })
    const made: unknown = new Function(`${code}\nreturn isPublic`)()
    if (typeof made !== 'function') throw new Error('no function')
    const answer: unknown = made({ method, url, headers })
    return answer
  }

  it.each([
    ['POST', '/auth/login', true],
    ['POST', '/auth/login?next=/', true],
    ['POST', '/auth/login/', true],
    ['GET', '/auth/login', false],
    ['POST', '/auth/login/sessions', false],
    ['POST', '/auth', false],
    ['POST', '/auth/loginx', false],
    ['POST', '//auth/login', false],
    ['HEAD', '/files/a', true],
    ['GET', '/files/a', true],
    ['GET', '/files/', false],
    ['GET', '/files/a/b', false],
  ])('answers %s %s with %s', (method, url, wanted) => {
    expect(isPublic(['POST /auth/login', 'GET /files/:id'], method, url)).toBe(wanted)
  })

  it('lets the question of a browser before a request through only where the application answers it', () => {
    const ask = { 'access-control-request-method': 'POST' }
    expect(isPublic([], 'OPTIONS', '/things', ask, true)).toBe(true)
    expect(isPublic([], 'OPTIONS', '/things', {}, true)).toBe(false)
    expect(isPublic([], 'OPTIONS', '/things', ask, false)).toBe(false)
  })
})
