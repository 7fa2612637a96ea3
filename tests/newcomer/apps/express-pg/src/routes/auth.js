import bcrypt from 'bcryptjs'
import { Router } from 'express'
import { createToken } from '../auth.js'
import { pool, withTransaction } from '../db.js'

export const authRoutes = Router()

authRoutes.post('/signup', async (req, res) => {
  const { company, name, email, password } = req.body ?? {}
  if (!company || !name || !email || !password) return res.status(400).json({ error: 'missing fields' })
  const hash = await bcrypt.hash(password, 8)
  try {
    const user = await withTransaction(async (client) => {
      const org = await client.query('INSERT INTO organizations (name) VALUES ($1) RETURNING id', [company])
      const created = await client.query(
        `INSERT INTO users (org_id, email, password_hash, name, role)
         VALUES ($1, $2, $3, $4, 'owner') RETURNING id, org_id, role`,
        [org.rows[0].id, email.toLowerCase(), hash, name],
      )
      return created.rows[0]
    })
    res.status(201).json({ token: await createToken(user) })
  } catch (err) {
    if (err.code === '23505') return res.status(409).json({ error: 'email taken' })
    throw err
  }
})

authRoutes.post('/login', async (req, res) => {
  const { email, password } = req.body ?? {}
  const { rows } = await pool.query('SELECT id, org_id, role, password_hash FROM users WHERE email = $1', [
    String(email).toLowerCase(),
  ])
  const user = rows[0]
  if (!user || !(await bcrypt.compare(String(password), user.password_hash))) {
    return res.status(401).json({ error: 'wrong email or password' })
  }
  res.json({ token: await createToken(user) })
})
