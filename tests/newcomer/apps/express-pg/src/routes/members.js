import bcrypt from 'bcryptjs'
import { Router } from 'express'
import { pool } from '../db.js'

export const memberRoutes = Router()

memberRoutes.get('/', async (req, res) => {
  const { rows } = await pool.query('SELECT id, name, email, role FROM users WHERE org_id = $1 ORDER BY name', [
    req.user.orgId,
  ])
  res.json(rows)
})

memberRoutes.post('/', async (req, res) => {
  if (req.user.role !== 'owner') return res.status(403).json({ error: 'owners only' })
  const { name, email, password } = req.body ?? {}
  const { rows } = await pool.query(
    'INSERT INTO users (org_id, email, password_hash, name) VALUES ($1, $2, $3, $4) RETURNING id, name, email, role',
    [req.user.orgId, email.toLowerCase(), await bcrypt.hash(password, 8), name],
  )
  res.status(201).json(rows[0])
})
