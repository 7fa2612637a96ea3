// Packages that only the tests of frameworks and ORMs install. Their values have no types here; those tests compile and run them.
declare module '@nestjs/common'
declare module 'next/headers'
declare module 'react'
declare module 'dataloader'
declare module 'koa'
