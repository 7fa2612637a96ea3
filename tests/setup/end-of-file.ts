// Runs before each test file; its afterAll is the outermost, so it runs last.
import { endFileLater } from './after-file.ts'

endFileLater()
