import { createHash } from 'node:crypto'

/** A Lua script with its SHA-1 digest, by which EVALSHA calls it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** Size of the packed counters `<ddI4I4I4`: windowStart, fullAt, inMinute, day, inDay. */
export const STATE_BYTES = 28
/** Size of a packed override `<I4I4I4I4` that follows the tenant's counters: perMinute, perDay, burst, until (seconds, 0: no end). */
export const OVERRIDE_BYTES = 16

// The time comes from the server, so clients' clocks don't matter. Only in `DECISIONS_WITH_DRIVEN_CLOCK`, for tests, `ARGV` begins with the time.
const serverClock = `local t = redis.call('TIME')
local sec, now = t[1] + 0, t[1] * 1000000 + t[2]
local arg = 0`
const drivenClock = `local now = ARGV[1] + 0
local sec = math.floor(now / 1000000)
local arg = 1`

/** Flags of one decision in the reply. */
export const ADMITTED = 1
export const OVERRIDDEN = 2
/** The key does not contain counters, so this decision can't be made. Other decisions of the call are not affected. */
export const WRONG_TYPE = 4

function readLimits(i: number): string {
  return `local P${i}, D${i}, B${i} = ARGV[arg + ${i * 3 - 1}] + 0, ARGV[arg + ${i * 3}] + 0, ARGV[arg + ${i * 3 + 1}] + 0
local Q${i} = math.ceil(60000000 / P${i})
local C${i} = cost
if C${i} > B${i} then C${i} = B${i} end`
}

// The code for the scopes is unrolled, because a loop over tables takes a third more time in the server. The tenant's scope (i = 1) may
// contain an override after its counters. The limits of the override then replace the tier's limits.
function readScope(i: number): string {
  return `${i === 1 ? readOverride : `local pm${i}, pd${i}, T${i}, cap${i}, c${i} = P${i}, D${i}, Q${i}, B${i} * Q${i}, C${i}`}
local w${i}, b${i}, m${i}, d${i}, n${i} = now, now, 0, today, 0
if s${i} and #s${i} >= ${STATE_BYTES} then w${i}, b${i}, m${i}, d${i}, n${i} = unpack('<ddI4I4I4', s${i}) end
local fix${i} = d${i} > today or w${i} > now
if d${i} < today then n${i} = 0 end
if w${i} > now then w${i} = now end
if now - w${i} >= 60000000 then w${i} = now; m${i} = 0 end
if b${i} < now then b${i} = now end
if b${i} > now + cap${i} then b${i} = now + cap${i}; fix${i} = true end
if b${i} + c${i} * T${i} > now + cap${i} or m${i} + c${i} > pm${i} or (pd${i} > 0 and n${i} + c${i} > pd${i}) then ok = 0 end`
}

const readOverride = `local pm1, pd1, bs1, T1, c1 = P1, D1, B1, Q1, C1
local tail, keep = '', 0
if s1 and #s1 >= ${STATE_BYTES + OVERRIDE_BYTES} then
  local opm, opd, obs, untilSec = unpack('<I4I4I4I4', s1, ${STATE_BYTES + 1})
  if untilSec == 0 or untilSec > sec then
    pm1, pd1, bs1, T1, c1 = opm, opd, obs, math.ceil(60000000 / opm), cost
    if c1 > bs1 then c1 = bs1 end
    tail = string.sub(s1, ${STATE_BYTES + 1}, ${STATE_BYTES + OVERRIDE_BYTES})
    keep = untilSec == 0 and -1 or untilSec
  end
end
local cap1 = bs1 * T1`

function chargeScope(i: number): string {
  return `b${i} = b${i} + c${i} * T${i}; m${i} = m${i} + c${i}; n${i} = n${i} + c${i}`
}

function packScope(i: number): string {
  return `local v${i} = pack('<ddI4I4I4', w${i}, b${i}, m${i}, today, n${i})`
}

// A refused request changes nothing, with one exception: counters from the future (the clock stepped back, or the bucket got
// smaller) must be set back to the present, or the tenant would be locked out until the clock reaches that time.
function writeScope(i: number): string {
  if (i > 1) return `if ok == 1 or fix${i} then call('SET', KEYS[k + ${i}], v${i}, 'EXAT', expiry) end`
  return `if ok == 1 or fix1 then
      if keep == 0 then call('SET', KEYS[k + 1], v1, 'EXAT', expiry)
      elseif keep == -1 then call('SET', KEYS[k + 1], v1 .. tail)
      else call('SET', KEYS[k + 1], v1 .. tail, 'EXAT', math.max(keep, ends)) end
    end`
}

/**
 * Makes any number of decisions, one after another. Each covers one to three scopes: all of them admit the request, or none is charged. All
 * decisions have the same limits and cost.
 *
 * KEYS: the scopes of the first decision, those of the second, and so on. ARGV: cost, then perMinute, perDay (0: none), burst of each
 * scope. The reply is one packed string, which takes the server half the time of a list of numbers. It begins with the time, as `d`. For
 * each decision it then contains one byte of flags, the counters of each scope as `ddI4I4I4`, and the override if there is one.
 *
 * If a key has another type, only its own decision fails, and the other decisions of the call are made. All other errors occur before the
 * first write.
 */
function decision(scopes: number, clock: string): string {
  const each = (part: (i: number) => string, separator = '\n') =>
    Array.from({ length: scopes }, (_, index) => part(index + 1)).join(separator)
  return `local call, try, pack, unpack = redis.call, redis.pcall, struct.pack, struct.unpack
${clock}
local today = math.floor(sec / 86400)
local ends = (today + 1) * 86400 + 60 -- a minute past the end of the day: the day is still known when the next one begins
local expiry = string.format('%.0f', ends)
local cost = ARGV[arg + 1] + 0
${each(readLimits)}
local out = { pack('<d', now) }
for k = 0, #KEYS - 1, ${scopes} do
  ${each((i) => `local s${i} = try('GET', KEYS[k + ${i}])`)}
  local bad = ${each((i) => `(type(s${i}) == 'table' and s${i}.err)`, ' or ')}
  if bad then
    if not string.find(bad, 'WRONGTYPE', 1, true) then return redis.error_reply(bad) end
    out[#out + 1] = string.char(${WRONG_TYPE})
  else
    local ok = 1
    ${each(readScope)}
    if cost == 0 then ok = 1
    elseif ok == 1 then ${each(chargeScope, '; ')} end
    ${each(packScope)}
    if cost > 0 then
    ${each(writeScope)}
    end
    out[#out + 1] = string.char(ok + (tail == '' and 0 or ${OVERRIDDEN})) .. ${each((i) => `v${i}`, ' .. ')} .. tail
  end
end
return table.concat(out)`
}

function decisions(clock: string): readonly [Script, Script, Script] {
  return [script(decision(1, clock)), script(decision(2, clock)), script(decision(3, clock))]
}

/** Decisions over one, two and three scopes. */
export const DECISIONS = decisions(serverClock)

/** The script of `DECISIONS` with the time as its first argument, for tests that drive the clock. */
export const DECISIONS_WITH_DRIVEN_CLOCK = decisions(drivenClock)

/** KEYS[1]: forgets the counters, keeps an override. */
export const RESET = script(`local s = redis.call('GET', KEYS[1])
if s and #s >= ${STATE_BYTES + OVERRIDE_BYTES} then
  redis.call('SET', KEYS[1], struct.pack('<ddI4I4I4', 0, 0, 0, 0, 0) .. string.sub(s, ${STATE_BYTES + 1}), 'KEEPTTL')
else
  redis.call('DEL', KEYS[1])
end
return ''`)

/** KEYS[1]; ARGV: perMinute, perDay, burst, until (seconds; 0: no end), or nothing to remove the override. Keeps the counters. */
export const OVERRIDE = script(`local s = redis.call('GET', KEYS[1])
local state = struct.pack('<ddI4I4I4', 0, 0, 0, 0, 0)
if s and #s >= ${STATE_BYTES} then state = string.sub(s, 1, ${STATE_BYTES}) end
local t = redis.call('TIME')
local day = (math.floor(t[1] / 86400) + 1) * 86400 + 60
if #ARGV == 0 then
  if s then redis.call('SET', KEYS[1], state, 'EXAT', day) end
  return ''
end
local untilSec = ARGV[4] + 0
local value = state .. struct.pack('<I4I4I4I4', ARGV[1] + 0, ARGV[2] + 0, ARGV[3] + 0, untilSec)
if untilSec == 0 then redis.call('SET', KEYS[1], value)
else redis.call('SET', KEYS[1], value, 'EXAT', math.max(untilSec, day)) end
return ''`)
