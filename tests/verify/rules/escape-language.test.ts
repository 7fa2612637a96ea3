import { ruleCase } from '../rule-case.ts'

// A definer function in C: what it does can't be read. The library is the one that every server has.
const NATIVE = `create function native() returns language_handler language c security definer as '$libdir/plpgsql', 'plpgsql_call_handler';`

ruleCase('escape-language', {
  hole: NATIVE,
  object: 'public.native()',
  severity: 'high',
  proof: 'static',
  repaired: `${NATIVE} revoke execute on function native() from public;`,
  nearMisses: { 'it runs as the caller': NATIVE.replace('security definer', '') },
})
