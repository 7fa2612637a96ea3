import { drizzle } from 'drizzle-orm/node-postgres'
import { Pool } from 'pg'
import * as schema from './schema.js'

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 })

export const db = drizzle(pool, { schema })

export const closeDb = () => pool.end()
