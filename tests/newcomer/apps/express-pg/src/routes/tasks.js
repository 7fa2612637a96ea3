import { Router } from 'express'
import { pool } from '../db.js'

export const taskRoutes = Router()

taskRoutes.patch('/:id', async (req, res) => {
  const { rows } = await pool.query('UPDATE tasks SET done = $2 WHERE id = $1 RETURNING id, title, done', [
    req.params.id,
    req.body.done === true,
  ])
  if (!rows[0]) return res.status(404).json({ error: 'not found' })
  res.json(rows[0])
})

taskRoutes.delete('/:id', async (req, res) => {
  const { rowCount } = await pool.query('DELETE FROM tasks WHERE id = $1', [req.params.id])
  res.status(rowCount ? 204 : 404).end()
})

taskRoutes.get('/:id/comments', async (req, res) => {
  const { rows } = await pool.query(
    `SELECT c.id, c.body, u.name AS author FROM comments c LEFT JOIN users u ON u.id = c.author_id
      WHERE c.task_id = $1 ORDER BY c.id`,
    [req.params.id],
  )
  res.json(rows)
})

taskRoutes.post('/:id/comments', async (req, res) => {
  const { rows } = await pool.query(
    'INSERT INTO comments (task_id, author_id, body) VALUES ($1, $2, $3) RETURNING id, body',
    [req.params.id, req.user.id, req.body.body],
  )
  res.status(201).json(rows[0])
})
