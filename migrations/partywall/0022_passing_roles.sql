-- partywall.install_schema() failed (42704) if somebody dropped a role of the application, perhaps one of another database of this server,
-- after the procedure had listed these roles. Now it lists only roles that have rights or own something in this database. PostgreSQL does not
-- let anybody drop such a role.

SET LOCAL ROLE partywall_owner;

-- The application's login roles and levels, which install_schema() takes rights from: tenant_user, tenant_admin and their members. A member
-- that no object of this database depends on has no rights to take.
CREATE OR REPLACE FUNCTION partywall.application_roles() RETURNS SETOF name
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT r.rolname FROM pg_roles AS r
   WHERE NOT r.rolsuper AND (r.rolname IN ('tenant_user', 'tenant_admin') OR EXISTS (
     SELECT FROM pg_auth_members AS m JOIN pg_roles AS l ON l.oid = m.roleid
      WHERE m.member = r.oid AND l.rolname IN ('tenant_user', 'tenant_admin'))
     AND EXISTS (
       SELECT FROM pg_shdepend AS d
        WHERE d.dbid = (SELECT b.oid FROM pg_database AS b WHERE b.datname = current_database())
          AND d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid))
$$;

RESET ROLE;
