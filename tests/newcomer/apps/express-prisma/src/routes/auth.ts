import bcrypt from 'bcryptjs'
import { Router } from 'express'
import { prisma } from '../prisma'
import { signSession } from '../session'

export const auth = Router()

auth.post('/register', async (req, res) => {
  const { workspace, name, email, password } = req.body
  if (await prisma.user.findUnique({ where: { email } })) {
    res.status(409).json({ error: 'email is already registered' })
    return
  }
  const membership = await prisma.membership.create({
    data: {
      role: 'OWNER',
      workspace: { create: { name: workspace } },
      user: { create: { name, email, passwordHash: await bcrypt.hash(password, 8) } },
    },
  })
  res.status(201).json({ token: await signSession(membership) })
})

auth.post('/login', async (req, res) => {
  const user = await prisma.user.findUnique({
    where: { email: req.body.email },
    include: { memberships: true },
  })
  const membership = user?.memberships.find((m) => !req.body.workspaceId || m.workspaceId === req.body.workspaceId)
  if (!user || !membership || !(await bcrypt.compare(req.body.password, user.passwordHash))) {
    res.status(401).json({ error: 'wrong email or password' })
    return
  }
  res.json({ token: await signSession(membership) })
})
