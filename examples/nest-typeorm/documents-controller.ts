import { Body, Controller, Delete, Get, HttpCode, Param, ParseUUIDPipe, Post, Put } from '@nestjs/common'
import { InjectRepository } from '@nestjs/typeorm'
import { InvalidInputError, NotFoundError, type TenantContext } from 'partywall'
import { CurrentTenant, RequirePermission } from 'partywall/nest'
import type { Repository } from 'typeorm'
import { Document } from './document.ts'

/** The routes of the example's table of documents. */
@Controller('documents')
export class DocumentsController {
  readonly #documents: Repository<Document>

  constructor(@InjectRepository(Document) documents: Repository<Document>) {
    this.#documents = documents
  }

  @Get()
  @RequirePermission('documents:read')
  list(): Promise<Document[]> {
    return this.#documents.find({ order: { created_at: 'ASC', id: 'ASC' }, take: 100 })
  }

  @Get(':id')
  @RequirePermission('documents:read')
  async read(@Param('id', ParseUUIDPipe) id: string): Promise<Document> {
    return existing(await this.#documents.findOneBy({ id }))
  }

  @Post()
  @RequirePermission('documents:create')
  create(@Body() body: unknown, @CurrentTenant() { tenantId }: TenantContext): Promise<Document> {
    return this.#documents.save({ ...changes(body), tenant_id: tenantId })
  }

  @Put(':id')
  @RequirePermission('documents:update')
  async update(@Param('id', ParseUUIDPipe) id: string, @Body() body: unknown): Promise<Document> {
    const { title } = changes(body)
    await this.#documents.update({ id }, { title })
    return existing(await this.#documents.findOneBy({ id }))
  }

  @Delete(':id')
  @HttpCode(204)
  @RequirePermission('documents:delete')
  async remove(@Param('id', ParseUUIDPipe) id: string): Promise<void> {
    const { affected } = await this.#documents.delete({ id })
    existing(affected === 0 ? null : affected)
  }
}

/** A row of another tenant is not found, like one that does not exist. */
function existing<Row>(row: Row | null): Row {
  if (row === null) throw new NotFoundError('There is no such document.')
  return row
}

/** Names that are not listed here are refused, such as tenant_id. */
function changes(body: unknown): { readonly title: string; readonly project_id?: string } {
  const { title, project_id, ...others }: Record<string, unknown> = { ...Object(body) }
  if (typeof title !== 'string' || Object.keys(others).length > 0) throw new InvalidInputError('Send a title.')
  return typeof project_id === 'string' ? { title, project_id } : { title }
}
