import { expect, it } from 'vitest'
import { findJobs } from '../../src/init/detection/jobs.ts'
import { memoryProject } from './memory-project.ts'

const find = (text: string) => findJobs(memoryProject({ 'src/a.ts': text })).map(({ by }) => by)

it.each([
  ['node-cron', "import cron from 'node-cron'\ncron.schedule('0 * * * *', run)"],
  ['node-cron', "const { CronJob } = require('cron')\nnew CronJob('0 * * * *', run)"],
  ['@nestjs/schedule', "import { Cron } from '@nestjs/schedule'\nclass A {\n  @Cron('0 0 * * *')\n  run() {}\n}"],
  ['bullmq', "import { Worker } from 'bullmq'\nnew Worker<Data, void>('mail', run)"],
  [
    'bullmq',
    "import { Processor, WorkerHost } from '@nestjs/bullmq'\n@Processor('mail')\nclass A extends WorkerHost {}",
  ],
  ['agenda', "import { Agenda } from 'agenda'\nagenda.define('mail', run)"],
  ['pg-boss', "import PgBoss from 'pg-boss'\nawait boss.work('mail', run)"],
  ['a timer', 'setInterval(async () => {\n  await pool.query("delete from sessions")\n}, 60_000)'],
])('finds what runs without a tenant by %s', (by, text) => {
  expect(find(text)).toEqual([by])
})

it.each([
  ["import { Queue } from 'bullmq'\nawait queue.add('mail', data)"],
  ['setInterval(() => { console.log("alive") }, 60_000)'],
  ["import { Module } from '@nestjs/common'"],
])('does not name what runs in a request: %s', (text) => {
  expect(find(text)).toEqual([])
})
