// Writes docs/demo.svg, the terminal picture of README, from a real run of the demo: node scripts/demo-picture.mjs
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const run = spawnSync(process.execPath, [join(root, 'dist', 'demo', 'main.js'), '--once'], { encoding: 'utf8' })
if (run.status !== 0) {
  console.error(`The demo ended with ${run.status}: no picture is drawn.\n${run.stdout}${run.stderr}`)
  process.exit(1)
}

const COLUMNS = 110
const WIDTH = 8.4
const HEIGHT = 20
const escapeXml = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const cut = (line) => (line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line)
const lines = ['$ npm run demo -- --once', ...run.stdout.trimEnd().split('\n')].map(cut)
const colour = (line) => {
  if (/^ {2}(held|✓)|^✅/.test(line)) return '#7ddc94'
  return /^\S.*held$|^The schema|^\$|:$/.test(line) ? '#ffffff' : '#c9d1d9'
}
const rows = lines.map(
  (line, at) =>
    `<text x="16" y="${40 + at * HEIGHT}" fill="${colour(line)}" xml:space="preserve">${escapeXml(line)}</text>`,
)
const [width, height] = [Math.ceil(COLUMNS * WIDTH) + 32, lines.length * HEIGHT + 44]
writeFileSync(
  join(root, 'docs', 'demo.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Output of npm run demo">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14">
${rows.join('\n')}
</g>
</svg>
`,
)
console.log(`docs/demo.svg: ${lines.length} lines`)
