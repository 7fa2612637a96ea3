import { jwtVerify, SignJWT } from 'jose'

const secret = new TextEncoder().encode(process.env.JWT_SECRET)

export function createToken(user) {
  return new SignJWT({ org_id: user.org_id, role: user.role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user.id)
    .setIssuedAt()
    .setExpirationTime('8h')
    .sign(secret)
}

export async function requireAuth(req, res, next) {
  const [scheme, token] = (req.headers.authorization ?? '').split(' ')
  if (scheme !== 'Bearer' || !token) return res.status(401).json({ error: 'not logged in' })
  try {
    const { payload } = await jwtVerify(token, secret)
    req.user = { id: payload.sub, orgId: payload.org_id, role: payload.role }
  } catch {
    return res.status(401).json({ error: 'not logged in' })
  }
  next()
}
