import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm'

@Entity('tenants')
export class Tenant {
  @PrimaryGeneratedColumn('uuid')
  id: string

  @Column()
  name: string

  @Column({ default: 'active' })
  status: string

  @Column({ default: 'trial' })
  tier: string

  @CreateDateColumn({ name: 'created_at' })
  createdAt: Date
}
