import { Command } from 'commander'
import type { SealFlags, SigningFlags, VerifyFlags } from './run-audit.ts'

/** `partywall audit`: seals, verifies and prunes the audit log. */
export function auditCommand(): Command {
  const audit = new Command('audit').description('Seals and verifies the audit log.')
  audit
    .command('keygen')
    .description('Makes an Ed25519 pair: PREFIX.key (private, mode 600) and PREFIX.pub.')
    .argument('[prefix]', 'path without ending', 'partywall-audit')
    .action(async (prefix: string) => (await import('./run-audit.ts')).keygen(prefix))
  audit
    .command('seal')
    .description('Seals the log until you stop the process. Run it in a separate process.')
    .option('--database-url <url>', 'a login of partywall_sealer (default: DATABASE_URL)')
    .option('--key-env <name>', 'environment variable that holds the private key in PEM', 'PARTYWALL_AUDIT_KEY')
    .option(
      '--previous-key-env <name>',
      'environment variable that holds the old key, for the first start with a new key',
      'PARTYWALL_AUDIT_PREVIOUS_KEY',
    )
    .option('--anchors <file>', 'append anchors to this file (default: one line per anchor on standard output)')
    .option('--once', 'seal the events that wait, then exit')
    .action(async (flags: SealFlags) => (await import('./run-audit.ts')).seal(flags))
  audit
    .command('verify')
    .description('Checks the log against its signatures. It needs only read rights and the public key.')
    .option('--database-url <url>', 'a login of partywall_auditor (default: DATABASE_URL)')
    .requiredOption('--public-key <file...>', 'public keys in PEM that you trust')
    .option('--anchors <file>', 'anchors that were published outside the database')
    .option('--tenant <id>', "only this tenant's log")
    .option('--json', 'print the verdict as JSON')
    .addHelpText('after', '\nExit code: 0 whole, 1 tampered, 2 could not tell.')
    .action(async (flags: VerifyFlags) => (await import('./run-audit.ts')).verify(flags))
  audit
    .command('prune')
    .description(
      'Drops the events of one month and keeps signed records of them. Export the month first if you must keep it.',
    )
    .argument('<month>', '2026-01')
    .option('--database-url <url>', 'a login of partywall_sealer (default: DATABASE_URL)')
    .option('--key-env <name>', 'environment variable that holds the private key in PEM', 'PARTYWALL_AUDIT_KEY')
    .option('--anchors <file>', 'append the anchor to this file')
    .action(async (month: string, flags: SigningFlags) => (await import('./run-audit.ts')).prune(month, flags))
  return audit
}
