import { ruleCase } from '../rule-case.ts'

ruleCase('rule-as-owner', {
  object: 'public.documents',
  severity: 'high',
  hole: `create table log (tenant_id uuid, title text); alter table log owner to {owner}; create rule log_it as on insert to documents do also insert into log values (new.tenant_id, new.title);`,
  repaired: `create table log (tenant_id uuid, title text); alter table log owner to {owner};`,
  nearMisses: {
    'a table without tenants has it': `create table a (x int); create table b (x int); create rule r as on insert to a do also insert into b values (new.x); grant insert on a to {app};`,
  },
})
