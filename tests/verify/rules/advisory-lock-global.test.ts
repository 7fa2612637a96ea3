import { describe, expect, it } from 'vitest'
import { HOLDING, withCase } from '../rule-case.ts'

describe('advisory-lock-global', () => {
  it('speaks of the schema', async () => {
    await withCase(
      [
        HOLDING,
        `create function bump() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$ begin perform pg_advisory_xact_lock(42); end $$;`,
      ],
      async (verify) => {
        const report = await verify({ mode: 'static' })
        const found = report.findings.filter((finding) => finding.rule === 'advisory-lock-global')
        expect(found.map((finding) => finding.severity)).toEqual(['info'])
      },
    )
  })

  const found = async (body: string, declare = '') => {
    let severities: readonly string[] = []
    const sql = `create function bump(document uuid) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$ ${declare} begin perform ${body}; end $$;`
    await withCase([HOLDING, sql], async (verify) => {
      const { findings } = await verify({ mode: 'static' })
      severities = findings.filter(({ rule }) => rule === 'advisory-lock-global').map(({ severity }) => severity)
    })
    return severities
  }

  it('speaks of two keys that are the same for all tenants', async () => {
    expect(await found('pg_advisory_xact_lock(42, 7)')).toEqual(['info'])
    expect(await found(`pg_try_advisory_lock(hashtext('reports'), 7)`)).toEqual(['info'])
    expect(await found('pg_advisory_xact_lock(space, 7)', 'declare space constant int := 42;')).toEqual(['info'])
  })

  it('is silent where one of two keys has a value, or the tenant is in a key', async () => {
    expect(await found('pg_advisory_xact_lock(42, hashtext(document::text))')).toEqual([])
    expect(await found(`pg_advisory_xact_lock(hashtext(current_setting('app.tenant_id', true)))`)).toEqual([])
  })

  it('is silent on the two-key form with the tenant', async () => {
    await withCase(
      [
        HOLDING,
        `create function bump() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$ begin perform pg_advisory_xact_lock(hashtext(current_setting('app.tenant_id', true)), 7); end $$;`,
      ],
      async (verify) => {
        const report = await verify({ mode: 'static' })
        expect(report.findings.filter((finding) => finding.rule === 'advisory-lock-global')).toEqual([])
      },
    )
  })
})
