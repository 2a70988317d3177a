/** The style of every page: system fonts, light or dark as the reader prefers, black on white on paper. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fdfdfb; --card: #fff; --ink: #1c1d21; --soft: #5d6069; --line: #e3e3de; --best: #1f5fbf14;
  --series-0: #1f5fbf; --series-1: #c2410c; --series-2: #15803d; --series-3: #7e22ce; --series-4: #a16207; --series-5: #0e7490; }
@media (prefers-color-scheme: dark) { :root { --paper: #16171b; --card: #1e2026; --ink: #e8e8e6; --soft: #a2a5ae; --line: #33363e; --best: #7ab0ff1f;
  --series-0: #7ab0ff; --series-1: #ff9d6b; --series-2: #6fdc95; --series-3: #cf9bff; --series-4: #e8c468; --series-5: #67d7ec; } }
* { box-sizing: border-box; }
b, strong, span, a, button, code, cite { unicode-bidi: isolate; } /* A mark in a title turns no text but its own around. */
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
main { max-width: 90rem; margin: 0 auto; padding: clamp(1.25rem, 4vw, 3.5rem) clamp(1rem, 4vw, 3rem); }
h1 { font-size: clamp(1.7rem, 5vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em; margin: 0 0 .4rem; }
h2 { font-size: 1.35rem; letter-spacing: -.01em; margin: 0 0 .6rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; } h4 { font-size: .875rem; margin: 1rem 0 .3rem; }
small { font-size: .8125rem; font-weight: 400; color: var(--soft); }
p { margin: 0 0 .8rem; max-width: 46rem; } section { margin-top: 3rem; }
.about, .why, figcaption, footer, dt, .note { color: var(--soft); } .note { border-left: 3px solid var(--line); padding-left: .9rem; margin-top: 1.5rem; }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.state { display: inline-block; border: 1px solid currentColor; border-radius: 1em; padding: 0 .7em; font-size: .85rem; }
.state.running { border-style: dashed; } .state.stopped { border-style: dotted; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1rem; margin: 1.5rem 0 0; }
.figures div { border-top: 2px solid var(--ink); padding-top: .4rem; } dt { font-size: .85rem; }
dd { margin: 0; font-variant-numeric: tabular-nums; } .figures dd { font-size: 1.6rem; line-height: 1.25; }
.charts, .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 1.25rem; margin-top: 1.25rem; }
figure, article { margin: 0; min-width: 0; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.1rem; }
figure svg { display: block; width: 100%; max-width: 28rem; height: auto; margin: 0 auto; } figcaption { font-size: .85rem; line-height: 1.45; margin-top: .6rem; }
.scroll { overflow-x: auto; margin-bottom: .8rem; } .scroll + h3 { margin-top: 1.8rem; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .45rem .8rem; border-bottom: 1px solid var(--line); vertical-align: baseline; } th:first-child { padding-left: 0; }
thead th { color: var(--soft); font-weight: 500; white-space: nowrap; } tbody th { font-weight: 500; min-width: 7.2rem; max-width: 20rem; }
.scroll td { min-width: 5.5rem; overflow-wrap: break-word; } .scroll td > small { display: block; white-space: nowrap; }
.scroll th:first-child { position: sticky; left: 0; background: var(--paper); }
td:has(> strong) { background: var(--best); box-shadow: inset 0 -2px var(--series-0); }
.charts:has(> :nth-child(4):last-child) { grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
.facts { --names: 12.5rem; columns: 3 19rem; column-gap: 3rem; font-size: .92rem; margin: 0 0 2rem; }
.facts div { display: grid; grid-template-columns: var(--names) minmax(0, 1fr); gap: .8rem; padding: .3rem 0; border-bottom: 1px solid var(--line); break-inside: avoid; } .facts dt { font-size: inherit; } .facts.short { --names: 6rem; }
article ol, .bars { margin: 0; padding: 0; list-style: none; font-size: .92rem; } .history { color: var(--soft); }
.recommended { counter-reset: rank; }
.recommended li { display: grid; grid-template-columns: 1.7rem minmax(0, 1fr) auto; gap: .3rem; counter-increment: rank; font-variant-numeric: tabular-nums; }
.recommended li::before { content: counter(rank); color: var(--soft); } .recommended li.hit { font-weight: 700; } .recommended li.hit::before { content: "▸"; color: inherit; }
.recommended li span + span { color: var(--soft); } .target { margin: 0; font-size: .92rem; }
.bars { columns: 2 20rem; column-gap: 3rem; }
.bars li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 1rem; break-inside: avoid; padding: .3rem 0; font-variant-numeric: tabular-nums; }
.bars i { grid-column: 1 / -1; height: 4px; background: var(--series-0); border-radius: 2px; min-width: 1px; }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .85rem; }
@media (max-width: 30rem) { figure { margin: 0 -1rem; border-width: 1px 0; border-radius: 0; padding: 1rem .25rem; } figure h3, figcaption { padding: 0 .75rem; }
  th, td { padding-right: .3rem; padding-left: .3rem; } }
@media print { :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; --best: #0000;
  --series-0: #000; --series-1: #555; --series-2: #222; --series-3: #777; --series-4: #444; --series-5: #666; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } section { margin-top: 1.6rem; } h2, h3 { break-after: avoid; }
  table { font-size: 8.5pt; } small { font-size: 7.5pt; } th, td { padding: .25rem .35rem; } .scroll { overflow: visible; } .scroll td { min-width: 0; }
  figure, article, tr { break-inside: avoid; } .charts, .cards { grid-template-columns: 1fr 1fr; } }
`;
