import 'dotenv/config'
import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'

const { AppModule } = await import('./app.module.js')
const app = await NestFactory.create(AppModule)
await app.listen(process.env.PORT ?? 3000)
