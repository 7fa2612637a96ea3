// Roles belong to the whole server. A change of a role that only other databases use must neither be reported nor make the watch read
// again.

/**
 * A recursive CTE `own_roles (oid)`: the login, the roles that own something in this database, have a privilege in it or are named in a
 * policy (PostgreSQL lists these in `pg_shdepend`), the bootstrap superuser, and all roles that these roles can become.
 */
export const OWN_ROLES = `own_roles (oid) as (
    (select r.oid from pg_roles r where r.rolname = session_user or r.oid = 10
     union
     select d.refobjid from pg_shdepend d join pg_database mine on mine.datname = current_database()
      where d.refclassid = 'pg_authid'::regclass and (d.dbid = mine.oid or (d.classid = 'pg_database'::regclass and d.objid = mine.oid)))
    union
    select m.roleid from own_roles i join pg_auth_members m on m.member = i.oid
  )`

/**
 * A condition on `pg_auth_members m`. The membership of another role in a predefined role of PostgreSQL, such as `pg_monitor`, does not
 * concern this database.
 */
export const IS_OWN_MEMBERSHIP = `(m.member in (select i.oid from own_roles i) or (m.roleid >= 16384 and m.roleid in (select i.oid from own_roles i)))`
