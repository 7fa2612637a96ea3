// Question: how long does it take until a new process has loaded partywall? Each side is a process of its own.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packageRoot } from '../src/config/package-root.ts'
import type { Bench } from './harness/contract.ts'
import { judge } from './harness/ratio.ts'

const run = promisify(execFile)

async function timeOf(...args: readonly string[]): Promise<number> {
  const begun = performance.now()
  await run(process.execPath, args, { cwd: packageRoot() })
  return performance.now() - begun
}

const loading = (name: string) => timeOf('--input-type=module', '-e', `await import('${name}')`)

export const bench: Bench = {
  name: 'start',
  question: 'how long do a cold import of partywall, and partywall --version, take?',
  async run({ runs, log }) {
    const version = () => timeOf(join(packageRoot(), 'dist/cli/main.js'), '--version')
    const imports: number[] = []
    const versions: number[] = []
    const details: Record<string, number[]> = { node: [], express: [], partywall: [], version: [] }
    for (let n = 0; n <= runs * 2; n++) {
      const node = await timeOf('-e', '0')
      const express = await loading('express')
      const partywall = await loading('partywall')
      const told = await version()
      // The first round fills the caches of the file system.
      if (n === 0) continue
      imports.push((partywall - node) / (express - node))
      versions.push(told / 1000)
      for (const [name, value] of Object.entries({ node, express, partywall, version: told }))
        details[name]?.push(Math.round(value))
    }
    log(`milliseconds: ${JSON.stringify(details)}`)
    return {
      goals: [
        judge("cold import 'partywall', x import 'express', without the start of Node", imports, 1.5, 'at-most'),
        judge('partywall --version, seconds', versions, 0.3, 'at-most'),
      ],
      details,
      failures: [],
    }
  },
}
