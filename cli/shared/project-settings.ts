import { z } from 'zod'
import { loadProjectConfig, type ProjectConfig } from '../../src/config/project-config.ts'

/**
 * Returns the flags of a command. If a flag is missing, its value comes from `partywall.config.*` in the working folder. The `envFile` of
 * that configuration is read too, so DATABASE_URL and the secret of the seal may come from there.
 *
 * @param names settings that the command takes from the file
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the file can't be loaded, or has an unknown setting
 */
export async function withProjectConfig(
  flags: unknown,
  names: readonly (keyof ProjectConfig)[],
): Promise<Record<string, unknown>> {
  const given = z.record(z.string(), z.unknown()).parse(flags)
  const config = (await loadProjectConfig(process.cwd())) ?? {}
  return { ...Object.fromEntries(names.map((name) => [name, config[name]])), ...given }
}
