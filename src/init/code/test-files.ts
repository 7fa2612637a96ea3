/** Tests and declarations, by their folder or name: code that the application itself does not run. */
export const TEST_FILE = /(?:^|\/)(?:tests?|__tests__|e2e)\/|\.(?:test|spec|d)\./
