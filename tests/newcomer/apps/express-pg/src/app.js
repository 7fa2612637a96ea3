import express from 'express'
import { requireAuth } from './auth.js'
import { authRoutes } from './routes/auth.js'
import { memberRoutes } from './routes/members.js'
import { projectRoutes } from './routes/projects.js'
import { taskRoutes } from './routes/tasks.js'

export function createApp() {
  const app = express()
  app.use(express.json())
  app.get('/health', (_req, res) => res.json({ ok: true }))
  app.use('/auth', authRoutes)

  app.use(requireAuth)
  app.use('/members', memberRoutes)
  app.use('/projects', projectRoutes)
  app.use('/tasks', taskRoutes)

  app.use((err, _req, res, _next) => {
    console.error(err)
    res.status(500).json({ error: 'internal error' })
  })
  return app
}
