import type { DemoTenant, Stage } from './stage.ts'

/** Prints the address of the API, its tenants, and commands for another terminal. */
export async function welcome(stage: Stage): Promise<string> {
  const lines = [`\nThe API answers at ${stage.baseUrl}`, `Rate limits are counted in ${stage.limits}`]
  for (const [tenant, other] of [
    [stage.a, stage.b],
    [stage.b, stage.a],
  ] as const) {
    lines.push('', await introduce(stage, tenant, other))
  }
  return lines.join('\n')
}

async function introduce(stage: Stage, tenant: DemoTenant, other: DemoTenant): Promise<string> {
  const variable = `${tenant.name.toUpperCase()}_TOKEN`
  const bearer = `-H "Authorization: Bearer $${variable}"`
  return [
    `${tenant.name} (tier ${tenant.helper.tier}):`,
    `  ${variable}=${await tenant.helper.token({ expiresInSeconds: 3600 })}`,
    `  curl ${bearer} ${stage.baseUrl}/documents`,
    `  curl ${bearer} ${stage.baseUrl}/documents/${tenant.documentId}`,
    `  curl ${bearer} ${stage.baseUrl}/documents/${other.documentId}    # ${other.name}'s: 404`,
  ].join('\n')
}
