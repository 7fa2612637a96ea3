import type { Project } from '../detection/project.ts'
import type { ProjectFiles } from '../project-files.ts'
import type { ByHand } from './init-plan.ts'

const CONFIGS = ['ts', 'js', 'mjs', 'cjs', 'json'].map((end) => `jest.config.${end}`)

/** The lines with which the application's own tests in Jest load code that imports partywall. */
export function jestLines(files: ProjectFiles, { testRunner, manifest }: Project): readonly ByHand[] {
  if (testRunner !== 'jest' || manifest.testScript?.includes('experimental-vm-modules') === true) return []
  const path = CONFIGS.find((name) => files.read(name) !== undefined) ?? 'package.json'
  // `nest new` makes a second configuration, test/jest-e2e.json.
  const others = files.find(/(?:^|\/)jest-[\w-]+\.(?:json|[cm]?[jt]s)$/)
  const text = files.read(path) ?? ''
  // Jest uses babel-jest only while the configuration names no transform. So name it beside ours.
  const rest = /\btransform\b|\bpreset\b/.test(text) ? '…' : '"\\\\.[jt]sx?$": "babel-jest"'
  return [
    {
      path: [path, ...others].join(' and '),
      why: 'Jest loads CommonJS, and partywall is an ES module. So that your own tests can load your code, add to the configuration of Jest, before other transforms',
      lines: [
        `"transform": { "/node_modules/(?:partywall|jose)/.+\\\\.js$": "partywall/jest", ${rest} },`,
        '"transformIgnorePatterns": ["/node_modules/(?!(?:.*/)?(?:partywall|jose)/)"]',
      ],
    },
  ]
}
