create table tasks (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references projects (id) on delete cascade,
  assignee_id uuid references users (id) on delete set null,
  title text not null,
  done boolean not null default false,
  created_at timestamptz not null default now()
);
create index tasks_project_id_idx on tasks (project_id);

create table comments (
  id bigserial primary key,
  task_id uuid not null references tasks (id) on delete cascade,
  author_id uuid references users (id) on delete set null,
  body text not null,
  created_at timestamptz not null default now()
);
create index comments_task_id_idx on comments (task_id);
