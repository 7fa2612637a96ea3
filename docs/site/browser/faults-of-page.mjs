// What is wrong with a page, measured in the browser. Runs inside the page: it must not use anything from outside of its body.

/**
 * Links, ids, and texts of low contrast of the page that is open.
 *
 * Text needs a contrast of 4.5 against its background, or of 3 if it is large (24 px, or 18.66 px in bold).
 *
 * @see WCAG 2.2, 1.4.3 Contrast (Minimum)
 */
export function lookAtPage() {
  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
  const luminance = ([red, green, blue]) =>
    0.2126 * channel(red / 255) + 0.7152 * channel(green / 255) + 0.0722 * channel(blue / 255)
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const colours = new Map()
  const colourOf = (css) => {
    const known = colours.get(css)
    if (known !== undefined) return known
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = css
    canvas.fillRect(0, 0, 1, 1)
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data
    const colour = [red, green, blue, alpha / 255]
    colours.set(css, colour)
    return colour
  }
  const over = (top, bottom) => {
    const alpha = top[3]
    return [0, 1, 2].map((index) => top[index] * alpha + bottom[index] * (1 - alpha))
  }
  const backgroundOf = (element) => {
    const layers = []
    for (let each = element; each !== null; each = each.parentElement) {
      const colour = colourOf(getComputedStyle(each).backgroundColor)
      if (colour[3] > 0) layers.push(colour)
      if (colour[3] === 1) break
    }
    return layers.reverse().reduce((bottom, layer) => over(layer, bottom), [255, 255, 255])
  }
  const faint = new Map()
  let texts = 0
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement
    if (element === null || node.textContent.trim() === '') continue
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue
    texts++
    const style = getComputedStyle(element)
    const background = backgroundOf(element)
    const colour = over(colourOf(style.color), background)
    const [light, dark] = [luminance(colour), luminance(background)].sort((a, b) => b - a)
    const contrast = (light + 0.05) / (dark + 0.05)
    const size = Number.parseFloat(style.fontSize)
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700)
    if (contrast >= (large ? 3 : 4.5)) continue
    const where = `${element.tagName.toLowerCase()}.${[...element.classList].join('.')}`
    faint.set(`${where} ${contrast.toFixed(2)}`, node.textContent.trim().slice(0, 40))
  }
  return {
    texts,
    faint: [...faint].map(([where, text]) => `${where} "${text}"`),
    links: [...document.querySelectorAll('a[href]')].map(({ href }) => href),
    ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
    wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }
}
