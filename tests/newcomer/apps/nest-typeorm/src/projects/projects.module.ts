import { Body, Controller, Delete, Get, HttpCode, Module, Param, ParseUUIDPipe, Post } from '@nestjs/common'
import { TypeOrmModule } from '@nestjs/typeorm'
import { type CurrentUser, User } from '../auth/auth.guard.js'
import { Project } from '../entities/project.entity.js'
import { Task } from '../entities/task.entity.js'
import { ProjectsService } from './projects.service.js'

@Controller()
export class ProjectsController {
  constructor(private readonly projects: ProjectsService) {}

  @Get('projects')
  list(@User() user: CurrentUser) {
    return this.projects.list(user.tenantId)
  }

  @Post('projects')
  create(@User() user: CurrentUser, @Body('name') name: string) {
    return this.projects.create(user.tenantId, name)
  }

  @Get('projects/:id')
  get(@User() user: CurrentUser, @Param('id', ParseUUIDPipe) id: string) {
    return this.projects.get(user.tenantId, id)
  }

  @Delete('projects/:id')
  @HttpCode(204)
  remove(@User() user: CurrentUser, @Param('id', ParseUUIDPipe) id: string) {
    return this.projects.remove(user.tenantId, id)
  }

  @Post('projects/:id/tasks')
  addTask(@Param('id', ParseUUIDPipe) id: string, @Body() body: { title: string; notes?: string[] }) {
    return this.projects.addTask(id, body.title, body.notes)
  }

  @Post('tasks/:id/finish')
  @HttpCode(200)
  finish(@Param('id', ParseUUIDPipe) id: string) {
    return this.projects.finishTask(id)
  }
}

@Module({
  imports: [TypeOrmModule.forFeature([Project, Task])],
  controllers: [ProjectsController],
  providers: [ProjectsService],
})
export class ProjectsModule {}
