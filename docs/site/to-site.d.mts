export function toSite(
  markdown: string,
  from: string,
  site: { readonly places: ReadonlyMap<string, string>; readonly repository: string | undefined },
): string
