import { readFile, writeFile } from 'node:fs/promises'
import {
  type AuditVerdict,
  anchorFile,
  createAuditSealer,
  createPemSigner,
  generateAuditKeys,
  pruneAuditMonth,
  readAnchorFile,
  type Signer,
  verifyAuditLog,
} from '../../src/audit/index.ts'
import { ConfigurationError } from '../../src/errors.ts'
import { databaseUrlFrom } from '../shared/database-url.ts'
import { environment } from '../shared/environment.ts'
import { paint } from '../shared/terminal.ts'

export interface SigningFlags {
  readonly databaseUrl?: string
  readonly keyEnv: string
  readonly anchors?: string
}

export interface SealFlags extends SigningFlags {
  readonly previousKeyEnv: string
  readonly once?: boolean
}

export interface VerifyFlags {
  readonly databaseUrl?: string
  readonly publicKey: readonly string[]
  readonly anchors?: string
  readonly tenant?: string
  readonly json?: boolean
}

const EXIT = { whole: 0, tampered: 1, incomplete: 2 } as const
const SHOWN = 50

/** `partywall audit keygen`. */
export async function keygen(prefix: string): Promise<void> {
  const { privateKey, publicKey } = generateAuditKeys()
  // wx: fail if the key file exists, because overwriting it would destroy the old private key.
  await writeFile(`${prefix}.key`, privateKey, { mode: 0o600, flag: 'wx' }).catch((cause: unknown) => {
    throw new ConfigurationError(`${prefix}.key could not be created; it may exist already. Choose another name.`, {
      cause,
    })
  })
  await writeFile(`${prefix}.pub`, publicKey)
  console.log(
    `${prefix}.key  keep it where the sealer runs, never in the database\n${prefix}.pub  give it to everybody who verifies the log`,
  )
}

/** `partywall audit seal`. */
export async function seal(flags: SealFlags): Promise<void> {
  const previous = environment(flags.previousKeyEnv)
  const sealer = createAuditSealer({
    databaseUrl: databaseUrlFrom(flags.databaseUrl),
    signer: signerFrom(flags.keyEnv),
    previousSigner: previous === undefined ? undefined : createPemSigner(previous),
    anchors:
      flags.anchors === undefined
        ? { publish: (anchor) => console.log(JSON.stringify(anchor)) }
        : anchorFile(flags.anchors),
  })
  if (flags.once === true) {
    try {
      let events = 0
      let tick = await sealer.tick({ force: true })
      for (; tick.state === 'sealed'; tick = await sealer.tick({ force: true })) events += tick.events
      console.error(
        tick.state === 'follower'
          ? 'Nothing was sealed, because another sealer is sealing the log.'
          : `${events} events sealed, ${tick.unsealed} wait for open transactions.`,
      )
    } finally {
      await sealer.stop()
    }
    return
  }
  sealer.start()
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
  await sealer.stop()
}

/** `partywall audit verify`. */
export async function verify(flags: VerifyFlags): Promise<void> {
  const verdict = await verifyAuditLog({
    databaseUrl: databaseUrlFrom(flags.databaseUrl),
    publicKeys: await Promise.all(flags.publicKey.map((path) => readKeyFile(path))),
    anchors: flags.anchors === undefined ? undefined : await readAnchorFile(flags.anchors),
    tenant: flags.tenant,
  })
  if (flags.json === true) console.log(JSON.stringify(verdict, null, 2))
  else print(verdict)
  process.exitCode = EXIT[verdict.verdict]
}

/** `partywall audit prune`. */
export async function prune(month: string, flags: SigningFlags): Promise<void> {
  const done = await pruneAuditMonth({
    databaseUrl: databaseUrlFrom(flags.databaseUrl),
    signer: signerFrom(flags.keyEnv),
    month,
    anchors: flags.anchors === undefined ? undefined : anchorFile(flags.anchors),
  })
  console.log(`${month} dropped: ${done.events} events of ${done.tenants} tenants. Signed records of them were kept.`)
}

function print(verdict: AuditVerdict): void {
  const colour = { whole: 'green', tampered: 'red', incomplete: 'yellow' } as const
  console.log(paint(colour[verdict.verdict], `audit log: ${verdict.verdict}`))
  console.log(
    `  ${verdict.events} events, ${verdict.tenants} tenants, ${verdict.checkpoints} checkpoints, ${verdict.anchors} anchors; ` +
      `${verdict.pruned} pruned, ${verdict.erased} erased, ${verdict.unsealed} not sealed yet`,
  )
  for (const each of verdict.damage.slice(0, SHOWN)) {
    const place = [
      each.anchor === undefined ? undefined : `anchor ${each.anchor}`,
      each.tenant === undefined ? undefined : `tenant ${each.tenant || '(system)'}`,
      each.checkpoint === undefined ? undefined : `checkpoint ${each.checkpoint}`,
      each.position === undefined ? undefined : `position ${each.position}`,
      each.event === undefined ? undefined : `event ${each.event}`,
    ].filter((part) => part !== undefined)
    console.log(`  ${paint('red', each.kind)}  ${place.join(', ')}: ${each.detail}`)
  }
  if (verdict.damageCount > SHOWN) console.log(`  … and ${verdict.damageCount - SHOWN} more (--json lists 1000)`)
  console.log('Limits of this result:')
  for (const limit of verdict.limits) console.log(`  - ${limit}`)
}

function signerFrom(variable: string): Signer {
  const pem = environment(variable)
  if (pem === undefined) {
    throw new ConfigurationError(`${variable} is not set: it holds the private key. Make one: partywall audit keygen`)
  }
  return createPemSigner(pem)
}

async function readKeyFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ConfigurationError(`The public key ${path} could not be read.`, { cause })
  })
}
