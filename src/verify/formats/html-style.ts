/** Style sheet of the HTML report, for screen and print. */
export const HTML_STYLE = `
:root{color-scheme:light dark;--line:#8886;--good:#176b2c;--bad:#b3261e;--warn:#8a5a00}
@media (prefers-color-scheme:dark){:root{--good:#7ddc94;--bad:#ff9a92;--warn:#ffcf70}}
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
h1{font-size:1.6rem}h2{border-bottom:1px solid var(--line);margin-top:2.5rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
pre{overflow-x:auto;padding:.8rem;border:1px solid var(--line)}code,pre{font-family:ui-monospace,monospace;font-size:.9em}
small{display:block;opacity:.8}dt{font-weight:600}article{margin:1rem 0 2rem}
.good,.proved,.held{color:var(--good)}.bad,.leaks,.unreliable,.critical,.high{color:var(--bad)}.unproved,.medium{color:var(--warn)}
@media print{body{max-width:none;margin:0}article{break-inside:avoid}}
`
