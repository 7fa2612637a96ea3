import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { oldNode } from '../config/node-version.ts'
import { MIN_SECRET_LENGTH } from '../seal/seal-key.ts'
import { type DoctorLine, type DoctorSettings, error, ok, warning } from './doctor-line.ts'

/** Examines the application's folder: the version of Node.js, the driver, and secrets in the repository. */
export async function examineProject({ folder, sealSecret }: DoctorSettings): Promise<readonly DoctorLine[]> {
  const old = oldNode(process.versions.node)
  return [
    old === undefined ? ok('Node.js', process.versions.node) : error('Node.js', old, 'Install a newer Node.js.'),
    driver(folder),
    secret(sealSecret),
    ...(await trackedSecrets(folder)),
  ]
}

function driver(folder: string): DoctorLine {
  const install = 'npm install pg@^8.21'
  try {
    const found: unknown = createRequire(join(folder, 'package.json'))('pg/package.json')
    const version = String(Reflect.get(Object(found), 'version'))
    const [major = 0, minor = 0] = version.split('.').map(Number)
    if (major === 8 && minor >= 21) return ok('pg', version)
    return error('pg', `The application has pg ${version}; partywall needs 8.21 or a later 8.`, install)
  } catch {
    return error('pg', 'The application has no package pg.', install)
  }
}

function secret(value: string | undefined): DoctorLine {
  if (value === undefined) {
    return warning(
      'seal',
      'PARTYWALL_SEAL_SECRET is not set here, so whether the database knows the secret was not looked at.',
      'export PARTYWALL_SEAL_SECRET=$(openssl rand -hex 32), or the secret that the application uses already',
    )
  }
  if (value.length < MIN_SECRET_LENGTH) {
    return error(
      'seal',
      `PARTYWALL_SEAL_SECRET has ${value.length} characters; it needs at least ${MIN_SECRET_LENGTH}.`,
      'openssl rand -hex 32',
    )
  }
  return ok('seal', 'PARTYWALL_SEAL_SECRET is set.')
}

/** Reports files with secrets that git tracks. */
async function trackedSecrets(folder: string): Promise<readonly DoctorLine[]> {
  const patterns = ['.env', '.env.local', '.env.production', '*.jwk', 'partywall-audit.key']
  const listed = await promisify(execFile)('git', ['ls-files', '--', ...patterns], { cwd: folder }).catch(
    () => undefined,
  )
  if (listed === undefined) return []
  const files = listed.stdout.split('\n').filter((file) => file !== '')
  return files.map((file) =>
    error(
      'project',
      `${file} is in the git repository, and files of this name hold secrets.`,
      `git rm --cached ${file}; add it to .gitignore, and replace the secrets: the history still has them.`,
    ),
  )
}
