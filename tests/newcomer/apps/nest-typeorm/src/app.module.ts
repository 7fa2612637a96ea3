import { Controller, Get, Module } from '@nestjs/common'
import { TypeOrmModule } from '@nestjs/typeorm'
import { Public } from './auth/auth.guard.js'
import { AuthModule } from './auth/auth.module.js'
import { Note } from './entities/note.entity.js'
import { Project } from './entities/project.entity.js'
import { Task } from './entities/task.entity.js'
import { Tenant } from './entities/tenant.entity.js'
import { User } from './entities/user.entity.js'
import { MembersModule } from './members/members.module.js'
import { ProjectsModule } from './projects/projects.module.js'

@Controller('health')
class HealthController {
  @Public()
  @Get()
  health() {
    return { status: 'ok' }
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env.DATABASE_URL,
      entities: [Tenant, User, Project, Task, Note],
    }),
    AuthModule,
    MembersModule,
    ProjectsModule,
  ],
  controllers: [HealthController],
})
export class AppModule {}
