import { ruleCase } from '../rule-case.ts'

ruleCase('function-temp-residue', {
  object: 'public.prepare_report()',
  severity: 'medium',
  proof: 'static',
  fixMends: false,
  hole: `create function prepare_report() returns void language plpgsql as $$ begin create temp table report_rows as select * from public.documents; end $$;`,
  repaired: `create function prepare_report() returns void language plpgsql as $$ begin create temp table report_rows on commit drop as select * from public.documents; end $$;`,
  nearMisses: {
    'a comment talks of it': `create function nothing() returns void language plpgsql as $$ begin -- create temp table x
 null; end $$;`,
  },
})
