import express, { type ErrorRequestHandler } from 'express'
import { auth } from './routes/auth'
import { members } from './routes/members'
import { projects } from './routes/projects'
import { tasks } from './routes/tasks'
import { authenticate } from './session'

export const app = express()

app.use(express.json())
app.use('/auth', auth)
app.use(authenticate)
app.use('/members', members)
app.use('/projects', projects)
app.use('/tasks', tasks)

const onError: ErrorRequestHandler = (error, _req, res, _next) => {
  console.error(error)
  res.status(500).json({ error: 'something went wrong' })
}
app.use(onError)
