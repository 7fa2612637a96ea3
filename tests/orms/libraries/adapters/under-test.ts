import { installedVersion } from '../../adapters/installed-version.ts'
import type { OrmUnderTest } from '../../conformance/orm.ts'

/** An ORM of this folder's packages. */
export function underTest(
  name: string,
  packageName: string,
  open: OrmUnderTest['open'],
  more: Partial<OrmUnderTest> = {},
): OrmUnderTest {
  return {
    name,
    package: packageName,
    version: installedVersion(packageName, new URL('../', import.meta.url)),
    open,
    ...more,
  }
}
