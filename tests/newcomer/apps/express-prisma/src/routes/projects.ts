import { Router } from 'express'
import { prisma } from '../prisma'

export const projects = Router()

projects.get('/', async (req, res) => {
  const list = await prisma.project.findMany({
    where: { workspaceId: req.session.workspaceId },
    include: { _count: { select: { tasks: true } } },
    orderBy: { createdAt: 'asc' },
  })
  res.json(list.map((p) => ({ id: p.id, name: p.name, tasks: p._count.tasks })))
})

projects.post('/', async (req, res) => {
  const project = await prisma.project.create({
    data: { name: req.body.name, workspaceId: req.session.workspaceId },
  })
  res.status(201).json({ id: project.id, name: project.name })
})

projects.get('/:id', async (req, res) => {
  const project = await prisma.project.findFirst({
    where: { id: req.params.id, workspaceId: req.session.workspaceId },
    include: { tasks: { include: { checklist: true }, orderBy: { position: 'asc' } } },
  })
  if (!project) {
    res.status(404).json({ error: 'no such project' })
    return
  }
  res.json(project)
})

projects.post('/:id/tasks', async (req, res) => {
  const [count, project] = await prisma.$transaction([
    prisma.task.count({ where: { projectId: req.params.id } }),
    prisma.project.findFirst({ where: { id: req.params.id, workspaceId: req.session.workspaceId } }),
  ])
  if (!project) {
    res.status(404).json({ error: 'no such project' })
    return
  }
  const task = await prisma.task.create({
    data: {
      projectId: project.id,
      title: req.body.title,
      position: count,
      checklist: { create: (req.body.checklist ?? []).map((label: string) => ({ label })) },
    },
    include: { checklist: true },
  })
  res.status(201).json(task)
})

projects.delete('/:id', async (req, res) => {
  const { count } = await prisma.project.deleteMany({
    where: { id: req.params.id, workspaceId: req.session.workspaceId },
  })
  res.status(count ? 204 : 404).end()
})
