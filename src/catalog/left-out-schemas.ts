/** OIDs of schemas that are left out, as {@link WITHOUT_SCHEMAS} lists them. The sub-select is computed once for a query. */
export const LEFT_OUT = `(select w.oid::pg_catalog.oid from pg_catalog.unnest(pg_catalog.string_to_array(coalesce(pg_catalog.current_setting('partywall.without_schemas', true), ''), ',')) w (oid) where w.oid <> '')`

/** The setting by which `readCatalog` tells its queries which schemas to leave out. */
export const WITHOUT_SCHEMAS = 'partywall.without_schemas'

export const USER_SCHEMA = `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)' and n.oid not in ${LEFT_OUT}`
