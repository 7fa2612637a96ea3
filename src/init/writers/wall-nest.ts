import { ENTRY_URL } from './names.ts'

interface WallNestInput {
  readonly typed: boolean
  readonly typeorm: boolean
  /** Whether the application makes TypeORM's options only when it starts: `forRootAsync`. */
  readonly async: boolean
  /** `POST /auth/login` */
  readonly publicRoutes: readonly string[]
  /** Whether browsers ask with OPTIONS before they send a token. */
  readonly cors: boolean
  /** `export const NAME = `, in the style of the project. */
  readonly exported: (name: string) => string
}

/** The part of the wall's file that NestJS needs. */
export function wallNest(input: WallNestInput): readonly string[] {
  return [publicPart(input), ...(input.typeorm ? (input.async ? asyncPart(input) : staticPart(input)) : [])]
}

function publicPart({ typed, publicRoutes, cors, exported }: WallNestInput): string {
  const routes = publicRoutes.map((route) => `\n  '${route}',`).join('')
  return `/**
 * Requests that need no tenant: sign-in, health checks. Exactly these, and nothing below them: all others need a token. ALL is every method;
 * a part of a path that begins with : stands for any one part. A health check that asks the database uses the entry login, as sign-in does.
 */
const publicRoutes${typed ? ': readonly string[]' : ''} = [${routes}${routes === '' ? '' : '\n'}]
${exported('isPublic')}(request${typed ? ': IncomingMessage' : ''}) => {
${cors ? "  // A browser asks before it sends the token. No handler runs.\n  if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) return true\n" : ''}  const parts = (request.url ?? '').replace(/\\?.*/, '').replace(/\\/$/, '').split('/')
  return publicRoutes.some((route) => {
    const [method = '', path = ''] = route.split(' ')
    const wanted = path.replace(/\\/$/, '').split('/')
    const isMethod = method === 'ALL' || method === request.method || (method === 'GET' && request.method === 'HEAD')
    if (!isMethod || wanted.length !== parts.length) return false
    return wanted.every((part, at) => (part.startsWith(':') ? parts[at] !== '' : part === parts[at]))
  })
}`
}

function staticPart({ typed, exported }: WallNestInput): readonly string[] {
  return [
    `/** Options of TypeOrmModule.forRootAsync() for the data of tenants. */
${exported('tenantTypeorm')}(options${typed ? ': TypeOrmModuleOptions' : ''}) => {
  // The wall has its own connection.
  const none = { url: undefined, host: undefined, port: undefined, username: undefined, password: undefined, database: undefined }
  const all = wall.drivers.typeorm({ ...options, ...none })${typed ? ' as TypeOrmModuleOptions' : ''}
  return {
    useFactory: () => all,
    // TypeORM asks the server for its version when it starts, which belongs to no tenant.
    dataSourceFactory: (given${typed ? '?: DataSourceOptions' : ''}) => runWithoutTenant(() => new DataSource(given ?? ${typed ? '(all as DataSourceOptions)' : 'all'}).initialize()),
  }
}`,
    `/** The data source 'entry', for code that runs before the tenant is known: @InjectRepository(User, 'entry'). */
${exported('entryTypeorm')}(options${typed ? ': Partial<TypeOrmModuleOptions>' : ''}) => ({
  name: 'entry',
  // @nestjs/typeorm asks for the name here too, when the application is closed.
  useFactory: () => ({ ...options, name: 'entry', type: 'postgres', url: setting('${ENTRY_URL}') })${typed ? ' as TypeOrmModuleOptions' : ''},
})`,
  ]
}

function asyncPart({ typed, exported }: WallNestInput): readonly string[] {
  const options = typed ? ' as TypeOrmModuleOptions' : ''
  return [
    `/**
 * TypeORM for the data of tenants, and its data source 'entry' for code that runs before the tenant is known: @InjectRepository(User, 'entry').
 * Both take your options, but not their connection. Your migrations change the schema; these logins can't.
 */
${exported('typeormModules')}(given${typed ? ": Omit<TypeOrmModuleAsyncOptions, 'useFactory'> & { useFactory: (...injected: never[]) => unknown }" : ''}) => {
  const own = async (injected${typed ? ': unknown[]' : ''}) => ({
    ...(await given.useFactory(...${typed ? '(injected as never[])' : 'injected'}))${typed ? ' as object' : ''},
    ...{ url: undefined, host: undefined, port: undefined, username: undefined, password: undefined, database: undefined },
    ...{ synchronize: false, dropSchema: false, migrationsRun: false },
  })
  return [
    TypeOrmModule.forRootAsync({
      ...given,
      useFactory: async (...injected${typed ? ': unknown[]' : ''}) => wall.drivers.typeorm(await own(injected))${options},
      // TypeORM asks the server for its version when it starts, which belongs to no tenant.
      dataSourceFactory: (options${typed ? '?: DataSourceOptions' : ''}) => runWithoutTenant(() => new DataSource(options${typed ? ' as DataSourceOptions' : ''}).initialize()),
    }),
    TypeOrmModule.forRootAsync({
      ...given,
      name: 'entry',
      // @nestjs/typeorm asks for the name here too, when the application is closed.
      useFactory: async (...injected${typed ? ': unknown[]' : ''}) => ({ ...(await own(injected)), name: 'entry', type: 'postgres', url: setting('${ENTRY_URL}') })${options},
    }),
  ]
}`,
  ]
}
