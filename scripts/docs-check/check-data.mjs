// JSON, YAML and SQL blocks: each parses.
import { parse } from 'libpg-query'
import { parse as parseYaml } from 'yaml'

/**
 * @param block of `blocksOf`, with `document`
 * @returns the fault as a text, or undefined
 */
export async function checkData({ language, code }) {
  try {
    if (language === 'json') JSON.parse(code)
    else if (language === 'yaml') parseYaml(code)
    else await parse(code)
    return undefined
  } catch (error) {
    return `does not parse: ${error.message}`
  }
}
