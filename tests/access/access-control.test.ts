import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAccessControl } from '../../src/access/access-control.ts'
import { covers } from '../../src/access/permission-pattern.ts'
import { getCurrentTenant, runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { TenantContextInput } from '../../src/context/tenant-context.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { codeOf, collectEvents } from '../guards/context.ts'

const denied = 'PARTYWALL_PERMISSION_DENIED'
const configuration = 'PARTYWALL_CONFIGURATION'
const logger = silentLogger

function as<T>(context: Partial<TenantContextInput>, fn: () => T): T {
  return runWithTenant({ tenantId: 'tenant-1', userId: 'user-1', ...context }, fn)
}

type Permission = 'documents:read' | 'documents:update' | 'documents:delete' | 'billing:read'

interface Document {
  readonly authorId: string
}

const isAuthor = (userId: string, object: object) => Reflect.get(object, 'authorId') === userId

const access = createAccessControl<Permission>({
  roles: {
    owner: ['*'],
    editor: ['documents:*'],
    member: [
      'documents:read',
      { permission: 'documents:update', when: (context, object) => isAuthor(context.userId, object) },
    ],
  },
  logger,
})

describe('permissions from roles', () => {
  it('gives what a role lists, and nothing else', () => {
    as({ roles: ['member'] }, () => {
      expect(access.can('documents:read')).toBe(true)
      expect(access.can('documents:delete')).toBe(false)
      expect(access.can('billing:read')).toBe(false)
    })
  })

  it('takes documents:* for all of documents and of nothing else', () => {
    as({ roles: ['editor'] }, () => {
      expect(access.can('documents:delete')).toBe(true)
      expect(access.can('billing:read')).toBe(false)
    })
    expect(covers('documents:*', 'documents2:read')).toBe(false)
    expect(covers('documents:*', 'documents:comments:read')).toBe(true)
  })

  it('adds up the permissions of several roles', () => {
    as({ roles: ['editor', 'owner'] }, () => expect(access.can('billing:read')).toBe(true))
  })

  it.each(['stranger', 'constructor', '__proto__', 'toString', 'OWNER', 'owner '])(
    'gives nothing to the unknown role %s',
    (role) => {
      as({ roles: [role] }, () => {
        expect(access.can('documents:read')).toBe(false)
        expect(access.levelOf(getCurrentTenant())).toBe('tenant_user')
      })
    },
  )

  it('gives nothing without a role, and throws without a context', () => {
    as({}, () => expect(access.can('documents:read')).toBe(false))
    expect(codeOf(() => access.can('documents:read'))).toBe('PARTYWALL_CONTEXT_MISSING')
  })

  it('refuses to be asked for a wildcard or for something that is no name', () => {
    for (const odd of ['*', 'documents:*', '', 'documents', undefined]) {
      // What a program without types may ask.
      expect(codeOf(() => as({ roles: ['owner'] }, () => Reflect.apply(access.can, undefined, [odd])))).toBe(
        configuration,
      )
    }
  })

  it('knows permissions by type', () => {
    // @ts-expect-error: no such permission
    as({ roles: ['editor'] }, () => access.can('documents:raed'))
    // @ts-expect-error: no such permission in a role
    createAccessControl<Permission>({ roles: { member: ['documents:raed'] } })
    createAccessControl<Permission>({ roles: { member: ['documents:*', 'billing:*', '*'] } })
  })
})

describe('a token’s permissions', () => {
  it('narrow what the roles give', () => {
    as({ roles: ['owner'], permissions: ['documents:read'] }, () => {
      expect(access.can('documents:read')).toBe(true)
      expect(access.can('documents:delete')).toBe(false)
      expect(access.levelOf(getCurrentTenant())).toBe('tenant_user')
    })
  })

  it('never widen what the roles give, whatever both say', () => {
    const word = fc.constantFrom('documents', 'billing', 'a')
    const name = fc.tuple(word, fc.constantFrom('read', 'delete')).map((parts) => parts.join(':'))
    const pattern = fc.oneof(
      name,
      word.map((resource) => `${resource}:*`),
      fc.constant('*'),
    )
    fc.assert(
      fc.property(fc.array(pattern), fc.array(pattern), name, (given, carried, asked) => {
        const control = createAccessControl({ roles: { role: given }, logger })
        const byRole = as({ roles: ['role'] }, () => control.can(asked))
        const byBoth = as({ roles: ['role'], permissions: carried }, () => control.can(asked))
        return byBoth === (byRole && carried.some((each) => covers(each, asked)))
      }),
      { numRuns: 1_000 },
    )
  })

  it('leave nothing when the token carries an empty list, and say nothing when it carries none', () => {
    as({ roles: ['owner'], permissions: [] }, () => {
      expect(access.can('documents:read')).toBe(false)
      expect(access.explain('documents:read').reason).toBe('narrowed-by-token')
      expect(access.levelOf(getCurrentTenant())).toBe('tenant_user')
    })
    as({ roles: ['owner'] }, () => {
      expect(access.can('documents:read')).toBe(true)
      // A context that is copied says no more and no less than the one it came from.
      expect(runWithTenant({ ...getCurrentTenant() }, () => access.can('documents:read'))).toBe(true)
    })
  })

  it('decide as the option says where the token carries none', () => {
    const roles = { owner: ['*'] as const }
    const always = createAccessControl({ roles, tokenPermissions: 'always', logger })
    const never = createAccessControl({ roles, tokenPermissions: 'never', logger })
    as({ roles: ['owner'] }, () => {
      expect(access.can('documents:read')).toBe(true)
      expect(always.can('documents:read')).toBe(false)
    })
    as({ roles: ['owner'], permissions: ['other:thing'] }, () => {
      expect(always.can('documents:read')).toBe(false)
      expect(never.can('documents:read')).toBe(true)
    })
  })
})

describe('conditions', () => {
  const mine: Document = { authorId: 'user-1' }
  const others: Document = { authorId: 'user-2' }

  it('decide per object, and give nothing without one', () => {
    as({ roles: ['member'] }, () => {
      expect(access.can('documents:update', mine)).toBe(true)
      expect(access.can('documents:update', others)).toBe(false)
      expect(access.can('documents:update')).toBe(false)
      expect(access.explain('documents:update').reason).toBe('object-needed')
    })
  })

  it('do not bind whom another role gives the permission without one', () => {
    as({ roles: ['member', 'editor'] }, () => expect(access.can('documents:update', others)).toBe(true))
  })

  it('may stand at the call, on top of the permission', () => {
    as({ roles: ['editor'] }, () => {
      expect(access.requirePermission('documents:update', () => true).userId).toBe('user-1')
      expect(codeOf(() => access.requirePermission('documents:update', () => false))).toBe(denied)
    })
    as({ roles: [] }, () => expect(codeOf(() => access.requirePermission('documents:update', () => true))).toBe(denied))
  })

  it('refuse when they answer with a promise, which would always be true', () => {
    const late = async () => false
    as({ roles: ['owner'] }, () => {
      expect(codeOf(() => Reflect.apply(access.requirePermission, undefined, ['documents:read', late]))).toBe(
        configuration,
      )
    })
  })
})

describe('requirePermission and requireTier', () => {
  it('give the context back, or refuse and tell the listeners', () => {
    const { events, seen } = collectEvents()
    const control = createAccessControl({ roles: { member: ['documents:read'] }, events, logger })
    as({ roles: ['member'] }, () => {
      expect(control.requirePermission('documents:read').tenantId).toBe('tenant-1')
      expect(codeOf(() => control.requirePermission('documents:delete'))).toBe(denied)
    })
    expect(seen).toMatchObject([
      {
        type: 'PERMISSION_DENIED',
        source: 'access',
        permission: 'documents:delete',
        tenantId: 'tenant-1',
        userId: 'user-1',
      },
    ])
    expect(control.counts()).toEqual({ allowed: 1, denied: 1, wouldDeny: 0 })
  })

  it('let a tier or a higher one pass; an unknown one is below all', () => {
    expect(as({ tier: 'enterprise' }, () => access.requireTier('pro')).tier).toBe('enterprise')
    expect(codeOf(() => as({ tier: 'free' }, () => access.requireTier('pro')))).toBe(denied)
    expect(codeOf(() => as({ tier: 'platinum' }, () => access.requireTier('free')))).toBe(denied)
    expect(codeOf(() => as({ tier: 'pro' }, () => access.requireTier('gold')))).toBe(configuration)
  })

  it('let pass, count and log in report mode, where can() stays truthful', () => {
    const { events, seen } = collectEvents()
    const control = createAccessControl({ roles: {}, enforcement: 'report', events, logger })
    as({ roles: ['member'] }, () => {
      expect(control.requirePermission('documents:read').tenantId).toBe('tenant-1')
      expect(control.can('documents:read')).toBe(false)
    })
    expect(control.counts()).toEqual({ allowed: 0, denied: 0, wouldDeny: 1 })
    expect(seen).toEqual([])
  })

  it('explain each decision at level debug', () => {
    const lines: object[] = []
    const control = createAccessControl({
      roles: { member: ['documents:*'] },
      logger: { ...silentLogger, debug: (fields) => lines.push(fields) },
    })
    as({ roles: ['member', 'ghost'] }, () => control.requirePermission('documents:read'))
    expect(lines).toMatchObject([
      {
        allowed: true,
        permission: 'documents:read',
        reason: 'granted',
        roles: ['member'],
        unknownRoles: ['ghost'],
        grantedBy: { role: 'member', grant: 'documents:*' },
      },
    ])
  })
})

describe('the level of the database role', () => {
  it('is tenant_admin for whoever holds one of its permissions, narrowed by the token', () => {
    const control = createAccessControl({
      roles: { owner: ['*'], cleaner: ['documents:delete'], member: ['documents:read'] },
      levels: { tenant_admin: ['documents:delete'] },
      logger,
    })
    const levelOf = (context: Partial<TenantContextInput>) => as(context, () => control.levelOf(getCurrentTenant()))
    expect(levelOf({ roles: ['owner'] })).toBe('tenant_admin')
    expect(levelOf({ roles: ['cleaner'] })).toBe('tenant_admin')
    expect(levelOf({ roles: ['member'] })).toBe('tenant_user')
    expect(levelOf({ roles: ['owner'], permissions: ['documents:read'] })).toBe('tenant_user')
  })

  it('is tenant_admin by default only for those who may do everything, also in report mode', () => {
    const control = createAccessControl({
      roles: { owner: ['*'], editor: ['documents:*'] },
      enforcement: 'report',
      logger,
    })
    const levelOf = (role: string) => as({ roles: [role] }, () => control.levelOf(getCurrentTenant()))
    expect([levelOf('owner'), levelOf('editor'), levelOf('ghost')]).toEqual([
      'tenant_admin',
      'tenant_user',
      'tenant_user',
    ])
  })
})

describe('roles from a function', () => {
  it('are read at once where the function answers at once', () => {
    const control = createAccessControl({
      roles: (role) => (role === 'member' ? ['documents:read'] : undefined),
      logger,
    })
    as({ roles: ['member'] }, () => expect(control.can('documents:read')).toBe(true))
  })

  it('must be loaded first where it answers later, once a context', async () => {
    let asked = 0
    const control = createAccessControl({
      roles: async () => {
        asked++
        return ['*' as const]
      },
      logger,
    })
    await as({ roles: ['owner'] }, async () => {
      expect(control.levelOf(getCurrentTenant())).toBe('tenant_user')
      expect(codeOf(() => control.can('documents:read'))).toBe(configuration)
      asked = 0
      await control.load()
      await control.load()
      expect(asked).toBe(1)
      expect(control.can('documents:read')).toBe(true)
      expect(control.levelOf(getCurrentTenant())).toBe('tenant_admin')
    })
  })

  it('are a refusal of 503 where the source fails', async () => {
    const control = createAccessControl({ roles: async () => Promise.reject(new Error('down')), logger })
    const loading = as({ roles: ['owner'] }, () => control.load())
    await expect(loading).rejects.toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE', status: 503 })
  })

  it('leave out what is no grant', () => {
    const odd = ['documents:read', 'doc*', 7, null, '*:read', { permission: 'documents:delete' }]
    const control = createAccessControl({ roles: () => Object(odd), logger })
    as({ roles: ['member'] }, () => {
      expect(control.can('documents:read')).toBe(true)
      expect(control.can('documents:delete')).toBe(false)
    })
  })
})

describe('options', () => {
  it('are refused with all problems at once', () => {
    const odd = { roles: { member: ['doc*'] }, levels: { tenant_admin: [''] }, tiers: [], enforcement: 'maybe' }
    const make = () => createAccessControl(Object(odd))
    expect(codeOf(make)).toBe(configuration)
    expect(make).toThrow(/roles.*levels.*tiers.*enforcement/s)
  })
})
