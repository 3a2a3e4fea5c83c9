/** The style of the page: light and dark, for screen and print. */
export const style = `
:root{color-scheme:light dark;--ink:#1d2129;--soft:#5c6470;--paper:#fff;--card:#f6f7f9;--line:#dfe3e8;--link:#0b5cad;--good:#1a7f4b;--warn:#9a6700;--bad:#c0302b;--live:#2563c9;--none:#737a85}
@media (prefers-color-scheme:dark){:root{--ink:#e4e7ec;--soft:#9aa3b0;--paper:#14171c;--card:#1c2027;--line:#30363f;--link:#7cb7f5;--good:#4cc38a;--warn:#e0b04a;--bad:#f2716b;--live:#7aa7f7;--none:#8d95a1}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:2rem 1.25rem 4rem;font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.25;margin:0 0 .4rem}h2{font-size:1.2rem;margin:2.4rem 0 .8rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.4rem 0 .4rem}h4,h5{font-size:.95rem;margin:1.1rem 0 .3rem}
p{margin:.5rem 0}a{color:var(--link)}ul,ol{margin:.4rem 0;padding-left:1.5rem}
code,pre{font:.86em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{background:var(--card);border-radius:4px;padding:.1em .3em}
pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.75rem .9rem;margin:.6rem 0;overflow-x:auto;white-space:pre-wrap}pre code{padding:0;background:none}
blockquote{margin:.6rem 0;padding:.1rem .9rem;border-left:3px solid var(--line);color:var(--soft)}
.soft{color:var(--soft)}.small{font-size:.86rem}.facts{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.2rem;margin:1rem 0}.facts dt{color:var(--soft)}.facts dd{margin:0}.facts p{margin:0 0 .3rem}
.wide{overflow-x:auto}.ledger{min-width:58rem}table{border-collapse:collapse;width:100%;font-size:.9rem}th{text-align:left;font-weight:600;color:var(--soft);white-space:nowrap}th,td{padding:.45rem .8rem .45rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
td.num,th.num{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}td.keep{white-space:nowrap}
.verdict{white-space:nowrap;font-weight:600}.verdict::before{content:"";display:inline-block;width:.6em;height:.6em;border-radius:50%;margin-right:.45em;background:currentColor}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}.live{color:var(--live)}.none{color:var(--none)}
.why{font-size:.86rem;color:var(--soft)}.why p{margin:.1rem 0}.why b{font-weight:600}
svg{display:block;width:100%;height:auto;min-width:40rem}svg text{fill:var(--ink);font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}svg .soft{fill:var(--soft)}svg .lane{fill:var(--card)}
svg .block{fill:currentColor;fill-opacity:.85}svg .number{fill:var(--paper);font-weight:600}svg .chain{fill:none;stroke:var(--soft);stroke-width:1.4}svg .gap{stroke:var(--soft);stroke-dasharray:3 4}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;margin:.7rem 0 0;font-size:.86rem}
.comment{border:1px solid var(--line);border-radius:6px;padding:.5rem .9rem;margin:.6rem 0}.comment header{font-size:.86rem;color:var(--soft)}
details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0}summary{cursor:pointer;padding:.5rem .9rem}details>:not(summary){margin-left:.9rem;margin-right:.9rem}details pre{max-height:none}
details:target{border-color:var(--link)}footer{margin-top:3rem;color:var(--soft);font-size:.86rem}
@media (max-width:40rem){.facts{grid-template-columns:1fr}.facts dt{margin-top:.4rem}}
@media print{body{max-width:none;padding:0;font-size:11pt}:root{--paper:#fff;--ink:#000;--card:#f6f7f9;--line:#ccc;--soft:#444}pre{white-space:pre-wrap}details,table,svg,.comment{break-inside:auto}h2,h3{break-after:avoid}svg,.ledger{min-width:0}}
`;
