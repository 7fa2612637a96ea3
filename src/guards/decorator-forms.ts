import { ConfigurationError } from '../errors.ts'

/** Any function, as a decorator or wrapper sees it. */
export type AnyFunction = (this: never, ...args: never[]) => unknown

/** The replacement of a function, called with the same `this` and arguments. */
type FunctionRewriter = (original: AnyFunction) => AnyFunction

/** One function that works as TC39 decorator, as legacy TypeScript decorator and as a wrapper of a plain function. */
export interface FunctionDecorator {
  <This, Args extends unknown[], Result>(
    method: (this: This, ...args: Args) => Result,
    context:
      | ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Result>
      | ClassGetterDecoratorContext<This, Result>,
  ): (this: This, ...args: Args) => Result
  <This, Value>(
    field: undefined,
    context: ClassFieldDecoratorContext<This, Value>,
  ): (this: This, initial: Value) => Value
  <T>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<T>): TypedPropertyDescriptor<T>
  <F extends AnyFunction>(fn: F): F
}

/**
 * Recognises the form in which a decorator was called, and replaces the decorated function.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` on a class, a setter, a parameter or a plain value
 */
export function rewriteDecorated(name: string, args: readonly unknown[], rewrite: FunctionRewriter): unknown {
  const [first, second, third] = args
  if (isTc39Context(second)) return rewriteTc39(name, first, second, rewrite)
  if (typeof second === 'string' || typeof second === 'symbol') return rewriteLegacy(name, third, rewrite)
  if (args.length === 1 && isFunction(first)) return rewrite(first)
  throw misplaced(name)
}

export function isFunction(value: unknown): value is AnyFunction {
  return typeof value === 'function'
}

interface Tc39Context {
  readonly kind: string
}

function isTc39Context(value: unknown): value is Tc39Context {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string'
}

function rewriteTc39(name: string, value: unknown, context: Tc39Context, rewrite: FunctionRewriter): unknown {
  if ((context.kind === 'method' || context.kind === 'getter') && isFunction(value)) return rewrite(value)
  if (context.kind === 'field') {
    return (initial: unknown) => {
      if (!isFunction(initial)) throw misplaced(name)
      return rewrite(initial)
    }
  }
  throw misplaced(name)
}

function rewriteLegacy(name: string, descriptor: unknown, rewrite: FunctionRewriter): PropertyDescriptor {
  if (typeof descriptor !== 'object' || descriptor === null) throw misplaced(name)
  const original: PropertyDescriptor = descriptor
  if (isFunction(original.value)) return { ...original, value: rewrite(original.value) }
  if (original.get !== undefined) {
    const get = rewrite(original.get)
    return {
      ...original,
      get(this: unknown) {
        return Reflect.apply(get, this, [])
      },
    }
  }
  throw misplaced(name)
}

function misplaced(name: string): ConfigurationError {
  return new ConfigurationError(
    `${name} can decorate methods, getters and fields that hold a function, and can wrap plain functions. It can't be used on classes, setters, parameters or values.`,
  )
}

/** Gives a replacement the name and length of the original function, for stack traces and for frameworks that count parameters. */
export function dressAs(replacement: AnyFunction, original: AnyFunction): AnyFunction {
  Object.defineProperty(replacement, 'name', { value: original.name, configurable: true })
  Object.defineProperty(replacement, 'length', { value: original.length, configurable: true })
  return replacement
}
