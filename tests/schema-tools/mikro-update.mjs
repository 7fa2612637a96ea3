// What `mikro-orm schema:update --run` does: compares the entities with the database and changes the database.
import { defineConfig, EntitySchema, MikroORM } from '@mikro-orm/postgresql'

const documents = new EntitySchema({
  name: 'Document',
  tableName: 'documents',
  properties: {
    id: { type: 'uuid', primary: true, defaultRaw: 'gen_random_uuid()' },
    tenant_id: { type: 'uuid' },
    title: { type: 'text' },
    created_at: { type: 'Date', columnType: 'timestamptz', defaultRaw: 'now()' },
  },
})
const orm = await MikroORM.init(
  defineConfig({
    clientUrl: process.env.DATABASE_URL,
    entities: [documents],
    discovery: { warnWhenNoEntities: false },
  }),
)
await orm.schema.update({ dropTables: false })
await orm.close()
