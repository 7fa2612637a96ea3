import { Redis } from 'ioredis'
import { type RedisServer, startRedis } from './redis.ts'

const SLOTS = 16_384

/** Three masters with all slots between them. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  /** Runs a command on each master. */
  onEach(command: string, ...args: string[]): Promise<unknown[]>
  /** Moves the slot of a key to another master while it is in use, as `redis-cli --cluster` does. */
  moveSlotOf(key: string): Promise<void>
  stop(): Promise<void>
}

export async function startRedisCluster(): Promise<RedisCluster> {
  const config = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000' }
  const nodes = await Promise.all([startRedis({ config }), startRedis({ config }), startRedis({ config })])
  const admins = nodes.map((node) => new Redis({ port: node.port, host: '127.0.0.1' }))
  const share = Math.ceil(SLOTS / admins.length)
  await Promise.all(
    admins.map((admin, index) => {
      const last = Math.min(SLOTS, (index + 1) * share) - 1
      return admin.call('CLUSTER', 'ADDSLOTSRANGE', String(index * share), String(last))
    }),
  )
  for (const node of nodes.slice(1)) await admins[0]?.call('CLUSTER', 'MEET', '127.0.0.1', String(node.port))
  await until(async () => {
    const infos = await Promise.all(admins.map((admin) => admin.call('CLUSTER', 'INFO')))
    return infos.every((info) => /cluster_state:ok/.test(String(info)) && /cluster_known_nodes:3/.test(String(info)))
  })
  const ids = await Promise.all(admins.map(async (admin) => String(await admin.call('CLUSTER', 'MYID'))))

  return {
    nodes,
    onEach: (command, ...args) => Promise.all(admins.map((admin) => admin.call(command, ...args))),
    async moveSlotOf(key) {
      const slot = Number(await admins[0]?.call('CLUSTER', 'KEYSLOT', key))
      const from = Math.floor(slot / share)
      const to = (from + 1) % admins.length
      const [source, target] = [admins[from], admins[to]]
      const [sourceId, targetId] = [ids[from], ids[to]]
      const destination = nodes[to]
      if (!source || !target || !sourceId || !targetId || !destination) throw new Error('no such node')
      await target.call('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', sourceId)
      await source.call('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', targetId)
      for (;;) {
        const keys = await source.call('CLUSTER', 'GETKEYSINSLOT', String(slot), '10')
        if (!Array.isArray(keys) || keys.length === 0) break
        for (const name of keys.map(String)) {
          await source.call('MIGRATE', '127.0.0.1', String(destination.port), name, '0', '5000')
        }
      }
      for (const admin of [target, source, ...admins])
        await admin.call('CLUSTER', 'SETSLOT', String(slot), 'NODE', targetId)
    },
    async stop() {
      for (const admin of admins) admin.disconnect()
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('The Redis Cluster did not form within 20 s.')
    await new Promise((resolve) => {
      setTimeout(resolve, 50)
    })
  }
}
