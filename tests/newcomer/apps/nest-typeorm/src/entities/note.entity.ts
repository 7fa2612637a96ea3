import { Column, Entity, JoinColumn, ManyToOne, PrimaryGeneratedColumn, type Relation } from 'typeorm'
import { Task } from './task.entity.js'

@Entity('notes')
export class Note {
  @PrimaryGeneratedColumn()
  id: number

  @Column({ name: 'task_id', type: 'uuid' })
  taskId: string

  @ManyToOne(() => Task, (task) => task.notes, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'task_id' })
  task: Relation<Task>

  @Column('text')
  text: string
}
