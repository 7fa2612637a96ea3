-- Rolls back migrations/0001_example_schema.sql. Roles stay: they belong to the whole server.

DROP TABLE IF EXISTS public.documents;
DROP TABLE IF EXISTS public.projects;
DROP TABLE IF EXISTS public.users;
DROP TABLE IF EXISTS public.tenants;
