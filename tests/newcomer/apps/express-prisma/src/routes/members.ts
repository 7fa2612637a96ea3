import bcrypt from 'bcryptjs'
import { Router } from 'express'
import { prisma } from '../prisma'

export const members = Router()

members.get('/', async (req, res) => {
  const list = await prisma.membership.findMany({
    where: { workspaceId: req.session.workspaceId },
    include: { user: true },
  })
  res.json(list.map((m) => ({ userId: m.userId, name: m.user.name, email: m.user.email, role: m.role })))
})

members.post('/', async (req, res) => {
  if (req.session.role !== 'OWNER') {
    res.status(403).json({ error: 'only owners may add members' })
    return
  }
  const { name, email, password, role } = req.body
  const membership = await prisma.membership.create({
    data: {
      role,
      workspace: { connect: { id: req.session.workspaceId } },
      user: {
        connectOrCreate: {
          where: { email },
          create: { name, email, passwordHash: await bcrypt.hash(password, 8) },
        },
      },
    },
  })
  res.status(201).json({ userId: membership.userId, role: membership.role })
})
