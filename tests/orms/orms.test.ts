// The conformance suite of ORMs for those that the root install has. All others: npm run test:orms.
import * as kysely from 'kysely'
import { drizzleOrm } from './adapters/drizzle.ts'
import { installedVersion } from './adapters/installed-version.ts'
import { kyselyOrm } from './adapters/kysely.ts'
import { pgAlone } from './adapters/pg.ts'
import { prismaOrm } from './adapters/prisma.ts'
import { conform } from './conformance/conform.ts'

for (const orm of [pgAlone, kyselyOrm(kysely, installedVersion('kysely')), drizzleOrm, prismaOrm]) conform(orm)
