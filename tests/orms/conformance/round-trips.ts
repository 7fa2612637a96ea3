import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { silentLogger } from '../../../src/logger/logger.ts'
import { createPartywall } from '../../../src/partywall.ts'
import { startIssuer } from '../../setup/issuer.ts'
import { TcpProxy } from '../../setup/tcp-proxy.ts'
import type { OrmUnderTest } from './orm.ts'
import type { Stage } from './stage.ts'

/** How often an ORM waits for the server. */
interface RoundTrips {
  readonly select: number
  readonly insert: number
  /** A transaction of two inserts. */
  readonly transaction: number
}

/** For `npm run compatibility`: writes what docs/compatibility.md says of an ORM besides the result of its suite. */
export async function recordFacts(orm: OrmUnderTest, stage: Stage, folder: string): Promise<void> {
  const { name, version, lacks = {}, privilegeCode, keepsBroken } = orm
  const trips = await countTrips(orm, stage)
  const facts = { name, package: orm.package, version, trips, lacks, privilegeCode, keepsBroken }
  appendFileSync(join(folder, 'facts.jsonl'), `${JSON.stringify(facts)}\n`)
}

async function countTrips(orm: OrmUnderTest, stage: Stage): Promise<RoundTrips> {
  const { a } = stage
  const proxy = await TcpProxy.start(stage.database.appUrl)
  const issuer = await startIssuer()
  const wall = createPartywall({
    database: { url: proxy.url, max: 1 },
    auth: issuer.localOptions(),
    seal: { secret: stage.database.sealSecret },
    logger: silentLogger,
  })
  const opened = await orm.open(wall)
  const measure = async (work: () => Promise<unknown>): Promise<number> => {
    // Once before, so that neither the connection nor a first statement of the library counts.
    await stage.as(a, work)
    proxy.reset()
    await stage.as(a, work)
    return proxy.roundTrips
  }
  try {
    return {
      select: await measure(() => opened.byId(a.bookId)),
      insert: await measure(() => opened.insert(stage.book(a))),
      transaction: await measure(() =>
        opened.transaction(async (inside) => {
          await inside.insert(stage.book(a))
          await inside.insert(stage.book(a))
        }),
      ),
    }
  } finally {
    await opened.close()
    await wall.close({ timeoutMs: 1_000 })
    await issuer.close()
    await proxy.stop()
  }
}
