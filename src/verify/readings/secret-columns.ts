import type { Column, Relation } from '../../catalog/model.ts'

/** Whether a column holds a secret or personal data, judged by its name, its type and its table. */
type Secrecy = 'secret' | 'personal' | undefined

const SECRET =
  /(^|_)(password|passwd|passphrase|pwd)(_?(hash|digest|salt|encrypted))?$|^(hashed|encrypted|crypted)_?password$|(^|_)(client|webhook|signing|jwt|shared|totp|otp|mfa|two_factor|app)_?secret(_?(hash|encrypted|key))?$|(^|_)secrets?$|(^|_)secret_?(hash|value|key|encrypted|ciphertext)$|(^|_)(api|access|private|secret|encryption|signing|master|service|license)_?key(_?(hash|encrypted|secret))?$|^apikey$|(^|_)(access|refresh|id|session|auth|api|bearer|reset|verification|confirmation|confirm|invite|invitation|magic_?link|csrf|oauth|device|push|remember|unsubscribe|login|bot|webhook|personal_?access|password_?reset)_?tokens?(_?(hash|encrypted|digest|secret))?$|(^|_)token_(hash|digest|secret|encrypted)$|(^|_)(recovery|backup|scratch)_?codes?(_?hash)?$|(^|_)(otp|totp)(_?code|_?hash)?$|(^|_)credentials?(_?encrypted)?$|(^|_)(card|account)_?number$|(^|_)(ssn|cvv|cvc)$/
/**
 * Ambiguous names: `token` may be a word of a text, and `session` a talk of a conference. They are taken for secrets only in tables of
 * accounts, sessions or keys.
 */
const MAYBE = /^(token|tokens|session|session_(id|data|key|state)|sess|sid|code|key|key_hash|hash|pin|salt)$|_token$/
const PERSONAL = /(^|_)(e_?mail|email_?address|phone|phone_?number|mobile|mobile_?number|telephone)$/
const NEAR =
  /(^|_)(sessions?|tokens?|auth|accounts?|verifications?|invit\w*|resets?|api_?keys?|credentials?|users?|logins?|members?|identit\w+|oauth\w*|devices?|password\w*|mfa|otp|webhooks?)($|_)/
const TEXTS = /^(text|character varying|character|citext|bytea|json|jsonb|uuid|bpchar|name)(\[\])*$/

/**
 * Decides by name, type and table. `password_hash` is a secret; `content_hash` and `token_count` are not. `token` is a secret in a
 * table of sessions, but not in a table of words.
 */
export function secrecyOf(relation: Relation, column: Column): Secrecy {
  if (!TEXTS.test(column.baseType)) return undefined
  const name = snake(column.name)
  if (SECRET.test(name)) return 'secret'
  if (MAYBE.test(name) && isNear(relation)) return 'secret'
  return PERSONAL.test(name) && column.baseType !== 'uuid' ? 'personal' : undefined
}

const PEOPLE =
  /(^|_)(users?|accounts?|profiles?|people|persons?|employees?|members?|identit(y|ies)|patients?|contacts?|customers?)$/

/** Whether the name of a table says that its rows are people. */
export function isNamedAfterPeople(relation: Relation): boolean {
  return PEOPLE.test(snake(relation.name))
}

/** Whether the table holds accounts, sessions or keys: by its name, or because its rows expire and belong to a person. */
function isNear(relation: Relation): boolean {
  if (NEAR.test(snake(relation.name))) return true
  const names = relation.columns.map((column) => snake(column.name))
  const expires = names.some((name) => /^expire|_expire|expir(es|y)|valid_until|revoked/.test(name))
  return expires && names.some((name) => /user|member|person|account|owner|email|sess/.test(name))
}

function snake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
}
