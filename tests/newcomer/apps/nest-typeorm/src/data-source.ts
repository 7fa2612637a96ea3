import 'dotenv/config'
import 'reflect-metadata'
import { DataSource } from 'typeorm'

// For the TypeORM command line.
export default new DataSource({
  type: 'postgres',
  url: process.env.DATABASE_URL,
  entities: [`${import.meta.dirname}/entities/*.entity.js`],
  migrations: [`${import.meta.dirname}/migrations/*.js`],
})
