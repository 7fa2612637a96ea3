import type { RequestHandler } from 'express'
import { jwtVerify, SignJWT } from 'jose'

const key = () => new TextEncoder().encode(process.env.AUTH_SECRET)

export interface Session {
  userId: string
  workspaceId: string
  role: string
}

declare global {
  namespace Express {
    interface Request {
      session: Session
    }
  }
}

export function signSession({ userId, workspaceId, role }: Session): Promise<string> {
  return new SignJWT({ workspaceId, role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime('12h')
    .sign(key())
}

export async function readSession(token: string): Promise<Session | null> {
  try {
    const { payload } = await jwtVerify(token, key(), { algorithms: ['HS256'] })
    return {
      userId: payload.sub as string,
      workspaceId: payload.workspaceId as string,
      role: payload.role as string,
    }
  } catch {
    return null
  }
}

export const authenticate: RequestHandler = async (req, res, next) => {
  const token = req.headers.authorization?.replace(/^Bearer /, '')
  const session = token ? await readSession(token) : null
  if (!session) {
    res.status(401).json({ error: 'unauthorized' })
    return
  }
  req.session = session
  next()
}
