/** The report's style: system fonts, one column of text, light or dark as the reader prefers, black on white on paper. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fdfdfb; --card: #fff; --ink: #1c1d21; --soft: #5d6069; --line: #e3e3de;
  --series-0: #1f5fbf; --series-1: #c2410c; --series-2: #15803d; --series-3: #7e22ce; --series-4: #a16207; --series-5: #0e7490; }
@media (prefers-color-scheme: dark) { :root { --paper: #16171b; --card: #1e2026; --ink: #e8e8e6; --soft: #a2a5ae; --line: #33363e;
  --series-0: #7ab0ff; --series-1: #ff9d6b; --series-2: #6fdc95; --series-3: #cf9bff; --series-4: #e8c468; --series-5: #67d7ec; } }
* { box-sizing: border-box; } /* A mark in a title turns no text but its own around. */ b, span, a, button, code, cite { unicode-bidi: isolate; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: clamp(1.25rem, 4vw, 3.5rem) clamp(1rem, 4vw, 3rem); }
h1 { font-size: clamp(1.7rem, 5vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; letter-spacing: -.01em; margin: 0 0 .6rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; } h4 { font-size: .875rem; margin: 1rem 0 .3rem; } h4 small { font-weight: 400; color: var(--soft); }
p { margin: 0 0 .8rem; max-width: 46rem; } .scroll + h3 { margin-top: 1.8rem; } .scroll + p { margin-top: .8rem; } section { margin-top: 3rem; }
.about, .why, figcaption, footer, dt, .note { color: var(--soft); } .note { border-left: 3px solid var(--line); padding-left: .9rem; margin-top: 1.5rem; }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.state { display: inline-block; border: 1px solid currentColor; border-radius: 1em; padding: 0 .7em; font-size: .85rem; }
.state.running { border-style: dashed; } .state.stopped { border-style: dotted; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; margin: 1.5rem 0 0; }
.figures div { border-top: 2px solid var(--ink); padding-top: .4rem; } dt { font-size: .85rem; }
dd { margin: 0; font-size: 1.6rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1.25rem; margin-top: 1.25rem; }
.charts.wide { grid-template-columns: minmax(0, 34rem); }
figure, article { margin: 0; min-width: 0; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.1rem; }
figure svg { display: block; width: 100%; height: auto; } figcaption { font-size: .85rem; line-height: 1.45; margin-top: .6rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .92rem; }
th, td { text-align: left; padding: .4rem 1.2rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: baseline; }
thead th { color: var(--soft); font-weight: 500; } tbody th { font-weight: 500; }
.numbers td { white-space: nowrap; font-variant-numeric: tabular-nums; } .numbers td small { display: block; } .numbers td span, .numbers td small { color: var(--soft); font-size: .85rem; }
.tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1.5rem 3rem; }
.facts { width: 100%; } .facts th { font-weight: 400; color: var(--soft); white-space: nowrap; } .facts td { overflow-wrap: anywhere; padding-right: 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1.25rem; margin-top: 1.25rem; }
article ol { margin: 0; padding: 0; list-style: none; font-size: .92rem; } .history { color: var(--soft); }
.recommended { counter-reset: rank; }
.recommended li { display: grid; grid-template-columns: 1.7rem 1fr auto; gap: .3rem; counter-increment: rank; font-variant-numeric: tabular-nums; }
.recommended li::before { content: counter(rank); color: var(--soft); } .recommended li.hit { font-weight: 700; } .recommended li.hit::before { content: "▸"; color: inherit; }
.recommended li span:last-child { color: var(--soft); } .target { margin: 0; font-size: .92rem; }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .85rem; }
@media (max-width: 44rem), print { .numbers td span { display: block; } }
@media print { :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc;
  --series-0: #000; --series-1: #555; --series-2: #222; --series-3: #777; --series-4: #444; --series-5: #666; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } section { margin-top: 1.6rem; } h2, h3 { break-after: avoid; }
  figure, article, tr { break-inside: avoid; } .charts, .cards { grid-template-columns: 1fr 1fr; } }
`;
