import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  SetMetadata,
  UnauthorizedException,
} from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import { JwtService } from '@nestjs/jwt'

export interface CurrentUser {
  sub: string
  tenantId: string
  role: string
}

const PUBLIC = 'isPublic'
export const Public = () => SetMetadata(PUBLIC, true)

export const User = createParamDecorator(
  (_: unknown, context: ExecutionContext): CurrentUser => context.switchToHttp().getRequest().user,
)

@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly jwt: JwtService,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, [context.getHandler(), context.getClass()])) return true
    const request = context.switchToHttp().getRequest()
    const [type, token] = request.headers.authorization?.split(' ') ?? []
    if (type !== 'Bearer' || !token) throw new UnauthorizedException()
    try {
      request.user = await this.jwt.verifyAsync<CurrentUser>(token)
    } catch {
      throw new UnauthorizedException()
    }
    return true
  }
}
