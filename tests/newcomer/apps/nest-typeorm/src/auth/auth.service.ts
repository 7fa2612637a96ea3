import { ConflictException, Injectable, UnauthorizedException } from '@nestjs/common'
import { JwtService } from '@nestjs/jwt'
import { InjectDataSource, InjectRepository } from '@nestjs/typeorm'
import bcrypt from 'bcryptjs'
import { DataSource, Repository } from 'typeorm'
import { Tenant } from '../entities/tenant.entity.js'
import { User } from '../entities/user.entity.js'

@Injectable()
export class AuthService {
  constructor(
    private readonly jwt: JwtService,
    @InjectRepository(User) private readonly users: Repository<User>,
    @InjectDataSource() private readonly dataSource: DataSource,
  ) {}

  async signUp(company: string, email: string, password: string): Promise<{ token: string }> {
    if (await this.users.findOneBy({ email })) throw new ConflictException('email is taken')
    const passwordHash = await bcrypt.hash(password, 8)
    const user = await this.dataSource.transaction(async (manager) => {
      const tenant = await manager.save(Tenant, { name: company })
      return manager.save(User, { tenantId: tenant.id, email, passwordHash, role: 'owner' })
    })
    return { token: await this.sign(user) }
  }

  async logIn(email: string, password: string): Promise<{ token: string }> {
    const user = await this.users.findOneBy({ email })
    if (!user || !(await bcrypt.compare(password, user.passwordHash))) throw new UnauthorizedException()
    return { token: await this.sign(user) }
  }

  private sign(user: Pick<User, 'id' | 'tenantId' | 'role'>): Promise<string> {
    return this.jwt.signAsync({ sub: user.id, tenantId: user.tenantId, role: user.role })
  }
}
