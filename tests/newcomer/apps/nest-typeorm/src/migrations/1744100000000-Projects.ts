import type { MigrationInterface, QueryRunner } from 'typeorm'

export class Projects1744100000000 implements MigrationInterface {
  name = 'Projects1744100000000'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `CREATE TABLE "projects" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "tenant_id" uuid NOT NULL, "name" character varying NOT NULL, CONSTRAINT "PK_projects" PRIMARY KEY ("id"), CONSTRAINT "FK_projects_tenant" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE)`,
    )
    await queryRunner.query(
      `CREATE TABLE "tasks" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "project_id" uuid NOT NULL, "title" character varying NOT NULL, "done" boolean NOT NULL DEFAULT false, CONSTRAINT "PK_tasks" PRIMARY KEY ("id"), CONSTRAINT "FK_tasks_project" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE CASCADE)`,
    )
    await queryRunner.query(
      `CREATE TABLE "notes" ("id" SERIAL NOT NULL, "task_id" uuid NOT NULL, "text" text NOT NULL, CONSTRAINT "PK_notes" PRIMARY KEY ("id"), CONSTRAINT "FK_notes_task" FOREIGN KEY ("task_id") REFERENCES "tasks"("id") ON DELETE CASCADE)`,
    )
    await queryRunner.query(`CREATE INDEX "IDX_tasks_project" ON "tasks" ("project_id")`)
    await queryRunner.query(`CREATE INDEX "IDX_notes_task" ON "notes" ("task_id")`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "notes"`)
    await queryRunner.query(`DROP TABLE "tasks"`)
    await queryRunner.query(`DROP TABLE "projects"`)
  }
}
