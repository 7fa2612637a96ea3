import { PrismaPg } from '@prisma/adapter-pg'
import { tenantExtension } from 'partywall/prisma'
import { PrismaClient } from '../generated/client'
import { wall } from './wall'

/** Prisma on the pool of the wall. */
export const db = new PrismaClient({ adapter: new PrismaPg(wall.pool) }).$extends(tenantExtension())
