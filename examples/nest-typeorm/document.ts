import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm'

/** The example's table of documents. */
@Entity('documents')
export class Document {
  @PrimaryGeneratedColumn('uuid')
  readonly id!: string

  @Column('uuid')
  readonly tenant_id!: string

  @Column('uuid', { nullable: true })
  readonly project_id!: string | null

  @Column('text')
  readonly title!: string

  @CreateDateColumn({ type: 'timestamptz' })
  readonly created_at!: Date
}
