/** Style sheet of the HTML report, for screens from 390 pixels on. No text is cut off: long lines of SQL wrap. */
const SCREEN = `
:root{color-scheme:light dark;--line:#8886;--good:#176b2c;--bad:#b3261e;--warn:#7a4d00;--soft:#8882}
@media (prefers-color-scheme:dark){:root{--good:#7ddc94;--bad:#ff9a92;--warn:#ffcf70}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25}h2{border-bottom:1px solid var(--line);margin-top:2.5rem}h5{font-size:1em;margin:1rem 0 0}h6{font-size:.9em;margin:.6rem 0 0}
.verdict{font-size:1.25rem;font-weight:600;border-left:.4rem solid currentColor;background:var(--soft);padding:.8rem 1rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:.4rem 1.5rem;margin:1rem 0}
.facts dt{font-size:.85em;opacity:.8}.facts dd{margin:0}
nav ul{columns:2;padding-left:1.2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
.short{overflow-wrap:normal;word-break:normal;white-space:nowrap}.short small{white-space:normal}
#soc2 table,#iso-27001 table,#owasp table{table-layout:fixed}#soc2 th,#iso-27001 th,#owasp th{width:22%}
#soc2 th:first-child,#iso-27001 th:first-child,#owasp th:first-child{width:9%}#soc2 th:nth-child(2),#iso-27001 th:nth-child(2),#owasp th:nth-child(2){width:16%}#soc2 th:nth-child(3),#iso-27001 th:nth-child(3),#owasp th:nth-child(3){width:33%}
#tables th:first-child,#controls th:first-child{width:22%}#results table{table-layout:fixed}#results th:first-child{width:20%}#results th:nth-child(2){width:14%}#roles th:nth-child(6){width:16%}#roles th:first-child{width:15%}#code table{table-layout:fixed}#code th:last-child{width:19%}#code th:first-child{width:18%}#held table{table-layout:fixed}#held th:first-child{width:13%}#held th:nth-child(2){width:20%}#held th:nth-child(4){width:14%}#held th:nth-child(5){width:8%}#policies table{table-layout:fixed}#policies th{width:25%}#policies th:first-child{width:22%}#policies th:nth-child(2){width:12%}#policies th:nth-child(3){width:16%}
pre{white-space:pre-wrap;padding:.8rem;border:1px solid var(--line);margin:.5rem 0}pre>span{display:block}
.source{padding-left:4.5rem}.source>span{position:relative}.source b{position:absolute;left:-4rem;width:3.5rem;text-align:right;font-weight:400;opacity:.7}
summary{cursor:pointer;font-weight:600}code,pre{font-family:ui-monospace,monospace;font-size:.9em}
small{display:block;opacity:.85}dt{font-weight:600}article{margin:1rem 0 2rem}
.good,.proved,.held{color:var(--good)}.bad,.leaks,.unreliable,.critical,.high{color:var(--bad)}.unproved,.medium{color:var(--warn)}
@media (max-width:40rem){nav ul{columns:1}thead{position:absolute;left:-10000px}
tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--line)}td{display:block;border:0;padding:.1rem 0}.short{white-space:normal}
td:not(:first-child)::before{content:attr(data-column) ": ";font-size:.85em;opacity:.8}.short small{display:inline;margin-left:.5em}}
`

/** In print, a table of a standard has a block for each line, because in narrow columns a long list of findings would fill a whole page. */
function blocksInPrint(id: string): string {
  return `#${id} thead{display:none}#${id} table,#${id} tbody,#${id} tr,#${id} td{display:block}#${id} tr{border-bottom:1px solid var(--line);padding:.2rem 0}#${id} td{border:0;padding:0 .4rem}
#${id} td:nth-child(-n+2){display:inline}#${id} td:nth-child(n+3)::before{content:attr(data-column) ": ";font-weight:600}#${id} td small{display:inline;margin-left:.5em}`
}

/**
 * Styles for print. Words in columns of verdicts and ids are not broken, headings stay with the text that follows, and statements are not
 * cut.
 */
const PRINT = `
@media print{:root{color-scheme:light;--good:#176b2c;--bad:#b3261e;--warn:#7a4d00}
body{max-width:none;margin:0;padding:0;font-size:9.5pt;line-height:1.35}h1{font-size:15pt}h2{margin-top:1.2rem;font-size:13pt}nav{break-inside:avoid}
h2,h3,h4,h5,h6,thead{break-after:avoid}h2+p{break-after:avoid;break-inside:avoid}th,td{padding:.15rem .4rem}
tr,pre>span,.facts div,dt,li{break-inside:avoid}dt{break-after:avoid}table{font-size:8.5pt}th{overflow-wrap:normal;word-break:normal}
#policies article>p{break-after:avoid}p:has(+pre),h6{break-after:avoid}pre:not(.source){break-inside:avoid}#findings h6+p+pre,#findings pre+p+pre{font-size:7pt;line-height:1.25}#attacks ul{columns:2;column-gap:2.5rem;font-size:8pt}#held table pre{border:0;padding:0;margin:0}#held pre,#held table,#code table{font-size:7pt;line-height:1.2}#rules table,#attacks table{font-size:7.5pt;line-height:1.2}pre{font-size:8pt;box-decoration-break:clone;-webkit-box-decoration-break:clone}
details::details-content{content-visibility:visible;block-size:auto}.source{font-size:7pt;line-height:1.2;border:0}.source>span{break-inside:auto}
${['soc2', 'iso-27001', 'owasp'].map(blocksInPrint).join('\n')}
a{color:inherit;text-decoration:none}}
`

/**
 * The whole style sheet. Each printed page names the report and its place in it, so that a loose sheet can be attributed.
 *
 * @param running the title on each page; characters with a meaning in CSS are left out
 */
export function htmlStyle(running: string): string {
  const title = running.replace(/[^\w .,:/()-]/g, '').slice(0, 150)
  return `${SCREEN}${PRINT}@page{margin:1.6cm 1.4cm;@top-left{content:"${title}";font:7pt sans-serif}@bottom-right{content:"page " counter(page) " of " counter(pages);font:8pt sans-serif}}
`
}
