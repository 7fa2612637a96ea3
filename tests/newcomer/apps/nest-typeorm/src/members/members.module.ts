import { Body, Controller, ForbiddenException, Get, Module, Post } from '@nestjs/common'
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm'
import bcrypt from 'bcryptjs'
import { Repository } from 'typeorm'
import { type CurrentUser, User as Me } from '../auth/auth.guard.js'
import { User } from '../entities/user.entity.js'

@Controller('members')
export class MembersController {
  constructor(@InjectRepository(User) private readonly users: Repository<User>) {}

  @Get()
  async list(@Me() me: CurrentUser) {
    const users = await this.users.find({ where: { tenantId: me.tenantId }, order: { email: 'ASC' } })
    return users.map(({ id, email, role }) => ({ id, email, role }))
  }

  @Post()
  async add(@Me() me: CurrentUser, @Body() body: { email: string; password: string }) {
    if (me.role !== 'owner') throw new ForbiddenException()
    const { email, password } = body
    const passwordHash = await bcrypt.hash(password, 8)
    const user = await this.users.save({ tenantId: me.tenantId, email, passwordHash })
    return { id: user.id, email: user.email, role: user.role }
  }
}

@Module({ imports: [TypeOrmModule.forFeature([User])], controllers: [MembersController] })
export class MembersModule {}
