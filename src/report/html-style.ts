/** The report's style sheet: light and dark after the reader's system, A4 when printed, no colour that words don't repeat. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1a1a1a;--soft:#545454;--line:#d4d4d4;--panel:#f5f6f7;--link:#005a9c;
--good:#e3f1e6;--mixed:#faf4d3;--bad:#fbe6d6}
@media (prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#f2f2f2;--soft:#b8bec6;--line:#3a4048;--panel:#1f242a;
--link:#6cb8f0;--good:#1d3325;--mixed:#3a3512;--bad:#46290f}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0 auto;max-width:78rem;padding:1.5rem 1.5rem 4rem;background:var(--paper);color:var(--ink);
font:1rem/1.55 "Atkinson Hyperlegible Next","Atkinson Hyperlegible",system-ui,"Segoe UI",Helvetica,Arial,sans-serif}
h1{font-size:2rem;line-height:1.2;margin:.2rem 0 .6rem}
h2{font-size:1.45rem;line-height:1.25;margin:3rem 0 .8rem;border-top:2px solid var(--ink);padding-top:.8rem}
h3{font-size:1.15rem;margin:1.6rem 0 .5rem;overflow-wrap:anywhere}
h4{font-size:1rem;margin:1rem 0 .3rem}
p,ul,ol,dl{max-width:75ch}
a{color:var(--link)}
.kind{color:var(--soft);margin:0}
.lead{font-size:1.25rem;line-height:1.45}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;list-style:none;padding:0;margin:1.2rem 0 0;max-width:none}
code,pre{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.87em}
pre{background:var(--panel);border:1px solid var(--line);border-radius:4px;padding:.8rem;overflow-x:auto;line-height:1.4}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.94rem;font-variant-numeric:tabular-nums;margin:.4rem 0}
caption{text-align:left;color:var(--soft);padding:.2rem 0 .4rem}
th,td{border-bottom:1px solid var(--line);padding:.35rem .7rem;text-align:left;vertical-align:top}
thead th{border-bottom:2px solid var(--ink);vertical-align:bottom}
tbody th{font-weight:600;overflow-wrap:anywhere;min-width:8rem}
td small,tbody th small{display:block;color:var(--soft);font-weight:400}
tbody th small{line-height:1.35;max-width:16rem}
td{min-width:6.5rem}
td.good{background:var(--good)}
td.mixed{background:var(--mixed)}
td.bad{background:var(--bad)}
figure{margin:1.5rem 0}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
figure svg{display:block;width:100%;height:auto}
figcaption{color:var(--soft);max-width:75ch}
.picture{background:#fff;border:1px solid var(--line);border-radius:4px}
@media screen and (prefers-color-scheme:dark){.picture{filter:invert(.92) hue-rotate(180deg)}}
details{margin:.4rem 0}
summary{cursor:pointer;color:var(--link);padding:.2rem 0}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,30rem),1fr));gap:1rem}
.card{border:1px solid var(--line);border-radius:6px;padding:.2rem 1.1rem 1rem;background:var(--panel);min-width:0}
.card h3{margin:.8rem 0 .1rem}
.card pre{background:var(--paper)}
.card ul{padding-left:1.2rem;margin:.3rem 0}
.label{display:inline-block;border:1.5px solid currentColor;border-radius:3px;padding:0 .45rem;font-weight:600;font-size:.88rem}
.label.hypothetical{border-style:dashed}
.label.derived{border-style:dotted}
.alarm{border-left:5px solid #d55e00;padding-left:.8rem}
dt{font-weight:600;margin-top:.5rem}
dd{margin:0 0 .2rem}
@media print{
@page{size:A4 landscape;margin:14mm}
:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#333;--line:#999;--panel:#fff;--link:#000;--good:#fff;--mixed:#fff;--bad:#fff}
body{max-width:none;padding:0;font-size:10.5pt}
nav,summary{display:none}
figure,.card,tr{break-inside:avoid}
figure svg{max-height:150mm;min-width:0!important}
.scroll{overflow:visible}
pre{white-space:pre-wrap}
details::details-content{content-visibility:visible;block-size:auto}
}
`;
