// NestJS and TypeORM on the tables of migrations/0001_example_schema.sql. No query names the tenant: row-level security adds the condition.
import 'reflect-metadata'
import { type INestApplication, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { TypeOrmModule } from '@nestjs/typeorm'
import { type Partywall, runWithoutTenant } from 'partywall'
import { PartywallModule } from 'partywall/nest'
import { Document } from './document.ts'
import { DocumentsController } from './documents-controller.ts'

/** A small API of one table. */
export function createExampleApi(wall: Partywall): Promise<INestApplication> {
  @Module({
    imports: [
      PartywallModule.forRoot({ wall, guard: wall.guard, requireDeclarations: true }),
      TypeOrmModule.forRoot(wall.drivers.typeorm({ entities: [Document] })),
      TypeOrmModule.forFeature([Document]),
    ],
    controllers: [DocumentsController],
  })
  class AppModule {}
  // TypeORM asks the version of the database when the application starts, before there is a tenant.
  return runWithoutTenant(() => NestFactory.create(AppModule, { logger: false }))
}
