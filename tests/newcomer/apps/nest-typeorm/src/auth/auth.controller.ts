import { Body, Controller, HttpCode, Post } from '@nestjs/common'
import { Public } from './auth.guard.js'
import { AuthService } from './auth.service.js'

class Credentials {
  company: string
  email: string
  password: string
}

@Public()
@Controller('auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Post('signup')
  signUp(@Body() { company, email, password }: Credentials) {
    return this.auth.signUp(company, email, password)
  }

  @Post('login')
  @HttpCode(200)
  logIn(@Body() { email, password }: Credentials) {
    return this.auth.logIn(email, password)
  }
}
