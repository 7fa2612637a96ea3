/** Style sheet of the HTML report, for screens from 390 pixels on, and for print. No text is cut off: long lines of SQL wrap. */
export const HTML_STYLE = `
:root{color-scheme:light dark;--line:#8886;--good:#176b2c;--bad:#b3261e;--warn:#7a4d00;--soft:#8882}
@media (prefers-color-scheme:dark){:root{--good:#7ddc94;--bad:#ff9a92;--warn:#ffcf70}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25}h2{border-bottom:1px solid var(--line);margin-top:2.5rem}
.verdict{font-size:1.25rem;font-weight:600;border-left:.4rem solid currentColor;background:var(--soft);padding:.8rem 1rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:.4rem 1.5rem;margin:1rem 0}
.facts dt{font-size:.85em;opacity:.8}.facts dd{margin:0}
nav ul{columns:2;padding-left:1.2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
pre{white-space:pre-wrap;padding:.8rem;border:1px solid var(--line);margin:.5rem 0}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}
small{display:block;opacity:.85}dt{font-weight:600}article{margin:1rem 0 2rem}details>summary{cursor:pointer}
.good,.proved,.held{color:var(--good)}.bad,.leaks,.unreliable,.critical,.high{color:var(--bad)}.unproved,.medium{color:var(--warn)}
@media (max-width:40rem){nav ul{columns:1}thead{position:absolute;left:-10000px}
tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--line)}td{display:block;border:0;padding:.15rem 0}
td::before{content:attr(data-column);display:block;font-size:.8em;opacity:.8}}
@media print{:root{color-scheme:light;--good:#176b2c;--bad:#b3261e;--warn:#7a4d00}
@page{margin:1.5cm}body{max-width:none;margin:0;font-size:10.5pt}nav{break-after:page}h2,h3,h4{break-after:avoid}
article,tr{break-inside:avoid}a{color:inherit;text-decoration:none}}
`
