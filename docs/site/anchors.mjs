// The anchors of headings, as GitHub makes them: one link works on GitHub and on the site.

/**
 * @param heading text of a heading
 * @returns the anchor, without the number that a repeated heading gets
 */
export function githubAnchor(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}
