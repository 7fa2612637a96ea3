CREATE ROLE documents_search NOLOGIN;
GRANT USAGE ON SCHEMA public, partywall TO documents_search;
GRANT EXECUTE ON FUNCTION partywall.tenant_id() TO documents_search;

CREATE EXTENSION IF NOT EXISTS btree_gin;
ALTER TABLE documents ADD COLUMN words tsvector GENERATED ALWAYS AS (to_tsvector('simple', title || ' ' || body)) STORED;
CREATE INDEX documents_words ON documents USING gin (tenant_id, words);
GRANT SELECT (id, tenant_id, words) ON documents TO documents_search;
CREATE POLICY search_read ON documents FOR SELECT TO documents_search USING (true);

CREATE FUNCTION search_documents(question text) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  tenant uuid := partywall.tenant_id()::uuid; -- NULL without a seal: no row
BEGIN
  RETURN QUERY SELECT id FROM public.documents
    WHERE tenant_id = tenant AND words @@ plainto_tsquery('simple', question) LIMIT 1000;
END $$;
ALTER FUNCTION search_documents(text) OWNER TO documents_search;
REVOKE EXECUTE ON FUNCTION search_documents(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_documents(text) TO tenant_user, tenant_admin;
