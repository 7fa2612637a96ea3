import { InvalidInputError, NotFoundError } from 'partywall'

/** A row of another tenant is not found, like one that does not exist. */
export function existing<Row>(row: Row | null | undefined): Row {
  if (row === undefined || row === null) throw new NotFoundError('There is no such document.')
  return row
}

/** The id in a path or a body. */
export function uuid(text: unknown): string {
  if (typeof text !== 'string' || !/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text))
    throw new InvalidInputError('This is no id.')
  return text
}

/** What a client may send of a document. Names that are not listed here are refused, such as tenant_id. */
export function changes(body: unknown): { readonly title: string; readonly project_id?: string } {
  const { title, project_id, ...others }: Record<string, unknown> = { ...Object(body) }
  if (typeof title !== 'string' || Object.keys(others).length > 0) throw new InvalidInputError('Send a title.')
  return project_id === undefined ? { title } : { title, project_id: uuid(project_id) }
}
