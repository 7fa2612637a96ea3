import { Injectable, NotFoundException } from '@nestjs/common'
import { InjectRepository } from '@nestjs/typeorm'
import { Repository } from 'typeorm'
import { Project } from '../entities/project.entity.js'
import { Task } from '../entities/task.entity.js'

@Injectable()
export class ProjectsService {
  constructor(
    @InjectRepository(Project) private readonly projects: Repository<Project>,
    @InjectRepository(Task) private readonly tasks: Repository<Task>,
  ) {}

  list(tenantId: string) {
    return this.projects.find({ where: { tenantId }, order: { name: 'ASC' } })
  }

  create(tenantId: string, name: string) {
    return this.projects.save({ tenantId, name })
  }

  async get(tenantId: string, id: string) {
    const project = await this.projects.findOne({ where: { id, tenantId }, relations: { tasks: { notes: true } } })
    if (!project) throw new NotFoundException()
    return project
  }

  async remove(tenantId: string, id: string) {
    const { affected } = await this.projects.delete({ id, tenantId })
    if (!affected) throw new NotFoundException()
  }

  addTask(projectId: string, title: string, notes: string[] = []) {
    return this.tasks.save({ projectId, title, notes: notes.map((text) => ({ text })) })
  }

  // Any signed-in user who knows the id can do this.
  async finishTask(id: string) {
    const { affected } = await this.tasks.update({ id }, { done: true })
    if (!affected) throw new NotFoundException()
    return this.tasks.findOneBy({ id })
  }
}
