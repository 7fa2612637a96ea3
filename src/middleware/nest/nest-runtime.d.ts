// The part of NestJS that the adapter calls. NestJS itself is a peer: its 150 packages are installed only for tests/frameworks.
declare module '@nestjs/core' {
  export const APP_FILTER: string
  export const APP_GUARD: string
  export class HttpAdapterHost {
    /** Undefined until the application is made: with @nestjs/testing, providers come first. */
    readonly httpAdapter: import('./nest-types.ts').NestHttpAdapter | undefined
    /** Emits when the adapter is there. */
    readonly init$: { subscribe(then: () => void): unknown }
  }
  export class ModulesContainer extends Map<
    string,
    { readonly controllers: ReadonlyMap<unknown, { readonly metatype: unknown }> }
  > {}
}

declare module '@nestjs/common' {
  export function createParamDecorator<Data>(
    factory: (data: Data, context: import('./nest-types.ts').NestExecutionContext) => unknown,
  ): (data?: Data) => ParameterDecorator
}
