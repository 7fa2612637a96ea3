import { handlers } from '../../shared'

export const dynamic = 'force-dynamic'

async function act(data: FormData): Promise<void> {
  'use server'
  await handlers().action(data)
}

async function Inner() {
  return <pre id="inner">{JSON.stringify(await handlers().page())}</pre>
}

export default async function Page() {
  return (
    <main>
      <pre id="outer">{JSON.stringify(await handlers().page())}</pre>
      <Inner />
      <form action={act}>
        <input name="title" defaultValue="by an action" />
      </form>
    </main>
  )
}
