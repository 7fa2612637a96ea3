import * as kysely from 'kysely'
import { installedVersion } from '../../adapters/installed-version.ts'
import { kyselyOrm } from '../../adapters/kysely.ts'

/** The release of this folder, with the adapter of the root's. */
export const kysely29 = kyselyOrm(kysely as never, installedVersion('kysely', new URL('../', import.meta.url)))
