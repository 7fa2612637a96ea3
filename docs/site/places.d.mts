export function placesOfDocuments(root: string): ReadonlyMap<string, string>
