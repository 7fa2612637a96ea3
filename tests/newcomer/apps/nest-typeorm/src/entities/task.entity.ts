import { Column, Entity, JoinColumn, ManyToOne, OneToMany, PrimaryGeneratedColumn, type Relation } from 'typeorm'
import { Note } from './note.entity.js'
import { Project } from './project.entity.js'

@Entity('tasks')
export class Task {
  @PrimaryGeneratedColumn('uuid')
  id: string

  @Column({ name: 'project_id', type: 'uuid' })
  projectId: string

  @ManyToOne(() => Project, (project) => project.tasks, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'project_id' })
  project: Relation<Project>

  @Column()
  title: string

  @Column({ default: false })
  done: boolean

  @OneToMany(() => Note, (note) => note.task, { cascade: ['insert'] })
  notes: Relation<Note>[]
}
