import { ruleCase } from '../rule-case.ts'

ruleCase('leakproof-false', {
  object: 'public.noisy(text)',
  severity: 'high',
  hole: `create function noisy(t text) returns boolean language plpgsql leakproof cost 0.001 as $$ begin raise notice '%', t; return true; end $$;`,
  repaired: `create function noisy(t text) returns boolean language plpgsql not leakproof cost 0.001 as $$ begin raise notice '%', t; return true; end $$;`,
  nearMisses: {
    'nobody in reach may call it': `create function noisy(t text) returns boolean language plpgsql leakproof cost 0.001 as $$ begin raise notice '%', t; return true; end $$; revoke execute on function noisy(text) from public;`,
  },
})
