// The scripts of action.yml and of the GitLab template, run by bash in a repository with a change that opens a hole.

import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { parse } from 'yaml'
import { packageRoot } from '../../src/config/package-root.ts'

const root = packageRoot()
const read = (file: string) => parse(readFileSync(join(root, file), 'utf8'))

let repository: string
const git = (...words: readonly string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t.example', ...words], { cwd: repository }).toString()

const app = `ci_${randomBytes(4).toString('hex')}`
const BASE = `do $$ begin if not exists (select from pg_roles where rolname = '${app}') then create role ${app} login; end if; end $$;
create table firms (id int primary key);
create table papers (id int primary key, firm_id int not null references firms (id));
create index on papers (firm_id);
grant select, insert, update on papers to ${app};
alter table papers enable row level security; alter table papers force row level security;
create policy own on papers using (firm_id = (select nullif(current_setting('app.firm', true), '')::int));`

beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), 'partywall-ci-'))
  await mkdir(join(repository, 'db'))
  await mkdir(join(repository, 'node_modules', '.bin'), { recursive: true })
  await symlink(join(root, 'dist', 'cli', 'main.js'), join(repository, 'node_modules', '.bin', 'partywall'))
  await writeFile(join(repository, 'db', '1.sql'), BASE)
  await writeFile(join(repository, '.gitignore'), 'node_modules\n')
  git('init', '-q', '-b', 'main')
  git('add', '.')
  git('commit', '-qm', 'base')
  git('update-ref', 'refs/remotes/origin/main', 'main')
})
afterEach(() => rm(repository, { recursive: true, force: true }))

function bash(script: string, env: Readonly<Record<string, string>>) {
  const run = spawnSync('bash', ['-eo', 'pipefail', '-c', script], {
    cwd: repository,
    encoding: 'utf8',
    env: { ...process.env, PARTYWALL_POSTGRES_URL: inject('postgres').url, ...env },
  })
  return { status: run.status, output: run.stdout, errors: run.stderr }
}

describe('the GitHub action', { timeout: 180_000 }, () => {
  const [step] = read('action.yml').runs.steps
  const action = (base: string) =>
    bash(step.run, {
      MIGRATIONS: 'db',
      FAIL_ON: 'medium',
      ARGUMENTS: '',
      BASE: base,
      RESULTS: join(repository, 'results'),
      GITHUB_OUTPUT: join(repository, 'output'),
      GITHUB_STEP_SUMMARY: join(repository, 'summary'),
    })

  it('passes a change that opens nothing, and writes the reports', async () => {
    await writeFile(join(repository, 'db', '2.sql'), 'create index on papers (firm_id, id);')
    const { status, errors } = action('origin/main')
    expect({ status, errors: status === 0 ? '' : errors }).toEqual({ status: 0, errors: '' })
    for (const file of ['partywall.sarif', 'partywall.html'])
      expect(existsSync(join(repository, 'results', file))).toBe(true)
    expect(readFileSync(join(repository, 'output'), 'utf8')).toContain('partywall.html')
  })

  it('fails a change that opens a hole, annotates the line, and says in the comment what got weaker', async () => {
    await writeFile(join(repository, 'db', '2.sql'), 'create policy b on papers for select using (true);')
    const { status, output } = action('origin/main')
    expect(status).toBe(1)
    expect(output).toMatch(/^::error file=db\/\d\.sql,line=\d+,title=/m)
    const comment = readFileSync(join(repository, 'results', 'comment.md'), 'utf8')
    expect(comment).toMatch(/^<!-- partywall diff -->\n/)
    expect(comment).toContain('| **weaker** | public.papers |')
    expect(readFileSync(join(repository, 'summary'), 'utf8')).toContain('**weaker**')
  })

  it('gives no input to the shell as text', () => {
    expect(step.run).not.toContain('${{')
  })
})

describe('the GitLab template', { timeout: 180_000 }, () => {
  it('fails a change that opens a hole, and leaves the reports that GitLab shows', async () => {
    const { partywall: job } = read('templates/gitlab-ci.yml')
    const base = git('rev-parse', 'main').trim()
    await writeFile(join(repository, 'db', '2.sql'), 'create policy b on papers for select using (true);')
    const { status, output } = bash(job.script.join('\n'), { MIGRATIONS: 'db', CI_MERGE_REQUEST_DIFF_BASE_SHA: base })
    expect(status).toBe(1)
    expect(output).toContain('WEAKER public.papers')
    const { codequality, junit } = job.artifacts.reports
    expect(JSON.parse(readFileSync(join(repository, codequality), 'utf8'))).not.toEqual([])
    expect(readFileSync(join(repository, junit), 'utf8')).toContain('<testsuites')
    expect(existsSync(join(repository, job.artifacts.paths[0]))).toBe(true)
  })
})
