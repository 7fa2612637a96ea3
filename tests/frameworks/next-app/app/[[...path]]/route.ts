import { handlers } from '../../shared'

export const dynamic = 'force-dynamic'
const answer = (request: Request) => handlers().route(request)

export { answer as DELETE, answer as GET, answer as HEAD, answer as POST, answer as PUT }
