import { mutantProjects } from '../../mutants/projects.ts'
import { mutants, suites } from './mutants.ts'

export default mutantProjects({ folder: 'src', mutants, suitesOf: (mutant) => mutant.suites, suites })
