import { Router } from 'express'
import { pool, withTransaction } from '../db.js'

export const projectRoutes = Router()

projectRoutes.get('/', async (req, res) => {
  const { rows } = await pool.query(
    `SELECT p.id, p.name, count(t.id)::int AS open_tasks
       FROM projects p LEFT JOIN tasks t ON t.project_id = p.id AND NOT t.done
      WHERE p.org_id = $1 AND NOT p.archived
      GROUP BY p.id ORDER BY p.created_at`,
    [req.user.orgId],
  )
  res.json(rows)
})

projectRoutes.post('/', async (req, res) => {
  const { rows } = await pool.query('INSERT INTO projects (org_id, name) VALUES ($1, $2) RETURNING id, name', [
    req.user.orgId,
    req.body.name,
  ])
  res.status(201).json(rows[0])
})

projectRoutes.get('/:id', async (req, res) => {
  const { rows } = await pool.query('SELECT id, name, archived FROM projects WHERE id = $1 AND org_id = $2', [
    req.params.id,
    req.user.orgId,
  ])
  if (!rows[0]) return res.status(404).json({ error: 'not found' })
  // FIXME: tasks have no org_id, so this trusts the project check above
  const tasks = await pool.query('SELECT id, title, done FROM tasks WHERE project_id = $1 ORDER BY created_at', [
    req.params.id,
  ])
  res.json({ ...rows[0], tasks: tasks.rows })
})

projectRoutes.post('/:id/tasks', async (req, res) => {
  const titles = Array.isArray(req.body.titles) ? req.body.titles : [req.body.title]
  const tasks = await withTransaction(async (client) => {
    const created = []
    for (const title of titles) {
      const { rows } = await client.query(
        'INSERT INTO tasks (project_id, title) VALUES ($1, $2) RETURNING id, title, done',
        [req.params.id, title],
      )
      created.push(rows[0])
    }
    return created
  })
  res.status(201).json(tasks)
})

projectRoutes.delete('/:id', async (req, res) => {
  const { rowCount } = await pool.query('DELETE FROM projects WHERE id = $1 AND org_id = $2', [
    req.params.id,
    req.user.orgId,
  ])
  res.status(rowCount ? 204 : 404).end()
})
