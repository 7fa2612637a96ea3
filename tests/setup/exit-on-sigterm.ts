// vitest ends a worker with SIGTERM, and Node.js then runs no handler of 'exit': servers that tests started would go on without their parent.
if (process.listenerCount('SIGTERM') === 0) process.once('SIGTERM', () => process.exit(143))
