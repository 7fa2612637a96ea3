import { Command } from 'commander'
import { collect } from '../shared/collect.ts'
import { AUDIENCE, ISSUER } from './development-names.ts'

/** `partywall token`: makes tokens for development, and explains what the verifier thinks of a token. */
export function tokenCommand(): Command {
  const token = new Command('token').description('Makes tokens for development, and explains any token.')
  token
    .command('keygen')
    .description('Makes an ES256 pair: PREFIX.jwk (private, mode 600) and PREFIX.jwks.json for auth.keys.jwks.')
    .argument('[prefix]', 'path without ending', 'partywall-dev')
    .action(async (prefix: string) => (await import('./run-token.ts')).keygen(prefix))
  token
    .command('make')
    .description('Prints a signed access token. Refused where NODE_ENV is production.')
    .requiredOption('--tenant <key>', 'value of the tenant claim')
    .option('--user <id>', 'value of the claim sub', 'dev-user')
    .option('--role <name>', 'a role; may be repeated', collect)
    .option('--key <file>', 'the private key that `partywall token keygen` made', 'partywall-dev.jwk')
    .option('--issuer <iss>', 'value of the claim iss', ISSUER)
    .option('--audience <aud>', 'value of the claim aud', AUDIENCE)
    .option('--tenant-claim <name>', 'the claim that names the tenant', 'org_id')
    .option('--roles-claim <name>', 'the claim that lists the roles', 'roles')
    .option('--claim <name=json>', 'a further claim, or another value for one of these; may be repeated', collect)
    .option('--minutes <n>', 'how long the token is valid', '60')
    .action(async (flags: unknown) => (await import('./run-token.ts')).make(flags))
  token
    .command('explain')
    .description('Says of each part of a token what the verifier thinks of it, and why it would refuse the token.')
    .argument(
      '[token]',
      'the token; without it, standard input is read, so that it is not kept in the history of the shell',
    )
    .option('--issuer <iss>', `the issuer, exactly as in the options of auth (default: ${ISSUER})`)
    .option('--jwks-url <url>', 'where the issuer publishes its keys')
    .option('--jwks <file>', 'a file with the keys of the issuer')
    .option('--public-key <file>', 'a public key in PEM')
    .option(
      '--secret-env <name>',
      'environment variable that holds the secret; without --issuer, the checks are those of sharedSecretTokens',
    )
    .option(
      '--algorithm <name>',
      'an algorithm that the issuer signs with; may be repeated (default: ES256, with a secret HS256)',
      collect,
    )
    .option('--audience <aud>', `the audience of this API (default: ${AUDIENCE}; sharedSecretTokens has none)`)
    .option('--preset <name>', 'the preset of the identity provider, as in auth.preset')
    .option('--tenant-claim <name>', 'the claim that names the tenant (default: that of the preset, else org_id)')
    .option('--user-claim <name>', 'sharedSecretTokens only: the claim that names the user (default: sub)')
    .option(
      '--roles-claim <name>',
      'the claim that lists the roles (default: roles; a preset has its own, sharedSecretTokens has none)',
    )
    .option('--max-lifetime <seconds>', 'the longest lifetime that is accepted (default: 86400)')
    .option(
      '--database-url <url>',
      "the application's login: also asks the directory, partywall.tenant_by_key, whether the tenant exists; not checked where the application has a findByClaim of its own",
    )
    .option('--seal-secret-env <name>', 'environment variable that holds the root secret', 'PARTYWALL_SEAL_SECRET')
    .option('--json', 'print the checks as JSON')
    .addHelpText(
      'after',
      `
Exit code: 0 the token is accepted, 1 it is refused, 2 that could not be found out.

  partywall token keygen
  partywall token make --tenant acme --user ann --role owner > token.txt
  partywall token explain --jwks partywall-dev.jwks.json < token.txt
  partywall token explain --secret-env JWT_SECRET --tenant-claim organizationId < token.txt`,
    )
    .action(async (token: string | undefined, flags: Readonly<Record<string, unknown>>) => {
      const { explain } = await import('./run-token-explain.ts')
      await explain({ ...flags, ...(token === undefined ? {} : { token }) }, (line) => console.log(line))
    })
  return token
}
