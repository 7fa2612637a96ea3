import { defineConfig } from 'prisma/config'

// `prisma generate` needs no database. At run time the pool of the wall connects.
export default defineConfig({ schema: './schema.prisma' })
