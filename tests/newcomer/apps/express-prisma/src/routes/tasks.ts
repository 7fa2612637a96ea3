import { Router } from 'express'
import { prisma } from '../prisma'

export const tasks = Router()

// TODO: check that the task belongs to the caller's workspace
tasks.patch('/:id', async (req, res) => {
  const { count } = await prisma.task.updateMany({
    where: { id: req.params.id },
    data: { doneAt: req.body.done ? new Date() : null },
  })
  res.status(count ? 200 : 404).json({ updated: count })
})

tasks.patch('/:id/checklist/:checkbox', async (req, res) => {
  const checkbox = await prisma.checkbox.update({
    where: { id: Number(req.params.checkbox) },
    data: { checked: req.body.checked === true },
  })
  res.json(checkbox)
})
