declare function isAuthor(row: unknown, userId: string | undefined): boolean
declare function showDeleteButton(): void
