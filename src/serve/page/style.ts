/** What the page needs beside the style of reports. */
export const PAGE_STYLE = `
main { max-width: 76rem; } [hidden] { display: none !important; } ul, ol { list-style: none; margin: 0; padding: 0; }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; text-align: left; cursor: pointer; }
:focus-visible { outline: 2px solid var(--series-0); outline-offset: 2px; }
header { margin-bottom: 2rem; } #about { margin: 0; } #about b { color: var(--ink); } #quality { max-width: 34rem; } #quality:empty { display: none; } .figures dd small { display: block; font-size: .8rem; color: var(--soft); }
.columns { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 2rem 3rem; align-items: start; } .columns section { margin: 0; min-width: 0; }
@media (max-width: 52rem) { .columns { grid-template-columns: minmax(0, 1fr); } }
.heading { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; } 
abbr { color: var(--soft); cursor: help; } .hint { color: var(--soft); font-size: .9rem; margin: 0 0 .8rem; } #went { margin: 0 0 .6rem; } #went:empty, #note:empty { display: none; } #note { color: var(--soft); font-size: .9rem; margin: 0 0 .6rem; }
label { display: block; font-size: .9rem; color: var(--soft); margin-bottom: .3rem; }
input { width: 100%; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--soft); border-radius: .5rem; padding: .6rem .8rem; }
#found { margin-top: .4rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; } #nothing { color: var(--soft); margin: .5rem 0 0; } #none, #chosen { margin-top: 1rem; }
#found li { display: flex; gap: .8rem; align-items: baseline; padding: .5rem .8rem; cursor: pointer; } #found li:hover, #found li[aria-selected=true] { background: var(--line); }
.name { flex: 1; min-width: 0; overflow-wrap: anywhere; } .category { color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
.share, .by { color: var(--soft); font-variant-numeric: tabular-nums; white-space: nowrap; }
#clear, #copy { text-decoration: underline; text-underline-offset: .2em; }
#picked li { position: relative; display: flex; gap: .7rem; align-items: center; padding: .2rem 0 .2rem .6rem; border-bottom: 1px solid var(--line); } #picked li > :not(.bar) { position: relative; }
#picked .share { color: var(--ink); } .bar { position: absolute; inset: 0 auto 0 0; background: var(--series-0); opacity: .16; }
.remove { width: 2rem; height: 2rem; text-align: center; color: var(--soft); } .remove:hover { color: var(--ink); }
#recommended { counter-reset: rank; display: grid; gap: .6rem; }
#recommended > li { counter-increment: rank; position: relative; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .6rem .9rem .6rem 2.7rem; }
#recommended > li::before { content: counter(rank); position: absolute; left: .9rem; color: var(--soft); font-variant-numeric: tabular-nums; } #recommended > li.hit { border-color: var(--series-2); box-shadow: inset 3px 0 var(--series-2); }
.line { display: flex; gap: .9rem; align-items: baseline; justify-content: space-between; } .line .name { font-weight: 600; } .line .name:hover, .chip:hover { text-decoration: underline; } .came { color: var(--series-2); font-size: .85rem; font-weight: 600; margin-left: auto; }
.reasons { font-size: .875rem; color: var(--soft); } summary { cursor: pointer; padding: .15rem 0; overflow-wrap: anywhere; } cite { font-style: normal; color: var(--ink); }
.reason { display: grid; grid-template-columns: minmax(0, 1fr) clamp(4rem, 30%, 12rem) 3.2rem; gap: .8rem; align-items: center; padding: .15rem 0; } .of { overflow-wrap: anywhere; } .by { text-align: right; }
.scale { position: relative; height: .8rem; background: linear-gradient(var(--line), var(--line)) center / 1px 100% no-repeat; } .raise, .lower { position: absolute; inset: 0 auto 0 50%; background: var(--series-0); } .lower { inset: 0 50% 0 auto; background: var(--series-1); }
.chips { display: flex; flex-wrap: wrap; gap: .5rem; } .chip { border: 1px solid var(--line); background: var(--card); border-radius: 1.2rem; padding: .3rem .9rem; }
.people { display: grid; gap: .6rem; } .person { display: grid; grid-template-columns: 1fr auto; gap: 0 .9rem; width: 100%; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .6rem .9rem; }
.person:hover, .chip:hover { border-color: var(--soft); } .person b { overflow-wrap: anywhere; } .person small, .person span { color: var(--soft); font-size: .875rem; } .person span { grid-column: 1 / -1; overflow-wrap: anywhere; }
#start { display: contents; } #start h3 { margin-top: 1.5rem; }
#api { margin-top: 2.5rem; } #api > summary { font-size: 1.1rem; font-weight: 600; } pre { font: .85rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; margin: .4rem 0 1rem; overflow: auto; max-height: 22rem; }
#request { white-space: pre-wrap; overflow-wrap: anywhere; } #api h3 { margin-top: 1rem; } #copied { color: var(--soft); margin-left: .8rem; font-size: .9rem; }
`;
