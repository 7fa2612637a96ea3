export function sidebarOf(site: {
  readonly places: ReadonlyMap<string, string>
  readonly titles: ReadonlyMap<string, string>
  readonly rules: readonly { readonly id: string }[]
}): readonly { readonly text: string; readonly items: readonly { readonly text: string; readonly link: string }[] }[]
