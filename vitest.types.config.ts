import { defineConfig } from 'vitest/config'

// Types are tested too: lines that must not compile. A config of its own, since a project ignores the type check's flags.
export default defineConfig({
  test: {
    name: 'types',
    include: [],
    typecheck: { enabled: true, only: true, include: ['tests/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
  },
})
