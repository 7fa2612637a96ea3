/** The forms of a report of `verify`. */
export const FORMATS = ['pretty', 'json', 'sarif', 'junit', 'markdown', 'html', 'github', 'gitlab'] as const
export type Format = (typeof FORMATS)[number]
