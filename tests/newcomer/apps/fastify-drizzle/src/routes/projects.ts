import { and, eq, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { db } from '../db/client.js'
import { projects, tasks, timeEntries } from '../db/schema.js'

export async function projectRoutes(app: FastifyInstance) {
  app.get('/projects', async (request) =>
    db
      .select({
        id: projects.id,
        name: projects.name,
        minutes: sql<number>`coalesce(sum(${timeEntries.minutes}), 0)::int`,
      })
      .from(projects)
      .leftJoin(tasks, eq(tasks.projectId, projects.id))
      .leftJoin(timeEntries, eq(timeEntries.taskId, tasks.id))
      .where(eq(projects.companyId, request.user.companyId))
      .groupBy(projects.id)
      .orderBy(projects.id),
  )

  app.post<{ Body: { name: string; billable?: boolean } }>('/projects', async (request, reply) => {
    const [project] = await db
      .insert(projects)
      .values({ ...request.body, companyId: request.user.companyId })
      .returning()
    return reply.code(201).send(project)
  })

  app.get<{ Params: { id: number } }>('/projects/:id', async (request, reply) => {
    const project = await db.query.projects.findFirst({
      where: and(eq(projects.id, request.params.id), eq(projects.companyId, request.user.companyId)),
      with: { tasks: { with: { entries: true } } },
    })
    return project ?? reply.code(404).send({ message: 'not found' })
  })

  app.post<{ Params: { id: number }; Body: { title: string } }>('/projects/:id/tasks', async (request, reply) => {
    const [task] = await db
      .insert(tasks)
      .values({ projectId: request.params.id, title: request.body.title })
      .returning()
    return reply.code(201).send(task)
  })

  app.delete<{ Params: { id: number } }>('/projects/:id', async (request, reply) => {
    const gone = await db
      .delete(projects)
      .where(and(eq(projects.id, request.params.id), eq(projects.companyId, request.user.companyId)))
      .returning({ id: projects.id })
    return reply.code(gone.length > 0 ? 204 : 404).send()
  })

  app.post<{ Params: { id: number }; Body: { minutes: number; note?: string } }>(
    '/tasks/:id/time',
    async (request, reply) => {
      const [entry] = await db
        .insert(timeEntries)
        .values({ ...request.body, taskId: request.params.id, accountId: Number(request.user.sub) })
        .returning()
      return reply.code(201).send(entry)
    },
  )
}
