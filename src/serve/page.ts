import { createHash } from 'node:crypto';
import { STYLE } from '../report/style.js';

/** Picks items and shows what is recommended after them and what the model looked at. The picks are in the address, so that they can be shared. */
const SCRIPT = `
const find = (id) => document.getElementById(id);
const [search, found, picked, recommended, note, unit] = ['search', 'found', 'picked', 'recommended', 'note', 'unit'].map(find);
let picks = location.hash.slice(1).split(',').filter(Boolean).map(Number);
let asked = 0;
let active = -1;
let about;
async function meet() {
  about ??= await ask('health');
  for (const told of document.querySelectorAll('.attention')) told.hidden = !about.explains;
}
const UNITS = {
  probability: 'The calibrated probability that this item comes next',
};

const nameOf = (item) => item.title ?? item.original_id ?? '#' + item.item;
const element = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
async function ask(path, body) {
  const response = await fetch(path, body && { method: 'POST', body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function pick(item) {
  picks.push(item);
  search.value = '';
  close();
  update();
  search.focus();
}
function drop(place) {
  picks.splice(place, 1);
  update();
}
const valueOf = ({ score, probability }) =>
  probability === undefined ? score.toFixed(2).replace('-', '−') : (100 * probability).toFixed(2) + ' %';

async function update() {
  history.replaceState(null, '', picks.length ? '#' + picks : location.pathname);
  const turn = ++asked;
  find('chosen').hidden = picks.length === 0;
  if (picks.length === 0) {
    picked.replaceChildren();
    recommended.replaceChildren();
    unit.textContent = '';
    note.textContent = 'Pick something that you liked, oldest first.';
    return;
  }
  try {
    await meet();
    const began = performance.now();
    const answer = await ask('recommend', { history: picks.map((item) => ({ item })), top: 12, explain: about.explains });
    if (turn !== asked) return; // a newer request is under way
    picked.replaceChildren(...answer.history.map((item, i) => element('li', {},
      ...(about.explains ? [element('span', { className: 'bar', style: 'width:' + (100 * item.weight).toFixed(1) + '%' })] : []),
      element('span', { className: 'name', textContent: nameOf(item) }),
      ...(about.explains ? [element('span', { className: 'share', textContent: (100 * item.weight).toFixed(0) + ' %' })] : []),
      element('button', { type: 'button', textContent: '×', ariaLabel: 'Remove ' + nameOf(item), onclick: () => drop(i) }))));
    recommended.replaceChildren(...answer.items.map((item) => element('li', {},
      element('button', { type: 'button', className: 'name', textContent: nameOf(item), onclick: () => pick(item.item) }),
      element('span', { className: 'share', textContent: valueOf(item) }))));
    unit.textContent = answer.items[0]?.probability === undefined ? 'score' : 'probability';
    unit.title = UNITS[unit.textContent] ?? about.scores;
    note.textContent = answer.items.length + ' of ' + about.items.toLocaleString('en-US') + ' items, in ' + (performance.now() - began).toFixed(0) + ' ms';
  } catch (error) {
    if (turn === asked) note.textContent = error.message;
  }
}

function close() {
  found.replaceChildren();
  found.hidden = true;
  active = -1;
  search.setAttribute('aria-expanded', 'false');
  search.removeAttribute('aria-activedescendant');
}
let searching = 0;
async function suggest() {
  const turn = ++searching;
  const items = await ask('items?limit=8&q=' + encodeURIComponent(search.value)).catch(() => []);
  if (turn !== searching || document.activeElement !== search) return;
  found.replaceChildren(...items.map((item, i) => element('li', { id: 'found' + i, role: 'option', textContent: nameOf(item),
    onmousedown: (event) => { event.preventDefault(); pick(item.item); } })));
  found.pick = (i) => pick(items[i].item);
  found.hidden = items.length === 0;
  active = -1;
  search.setAttribute('aria-expanded', String(items.length > 0));
}
function mark(place) {
  const options = [...found.children];
  if (options.length === 0) return;
  active = (place + options.length) % options.length;
  options.forEach((option, i) => option.setAttribute('aria-selected', String(i === active)));
  options[active].scrollIntoView({ block: 'nearest' });
  search.setAttribute('aria-activedescendant', 'found' + active);
}
search.oninput = suggest;
// Show a list to begin with only if nothing is picked yet; later it would hide the picks.
search.onfocus = () => { if (search.value || picks.length === 0) suggest(); };
search.onblur = close;
search.onkeydown = (event) => {
  if (event.key === 'ArrowDown') mark(active + 1);
  else if (event.key === 'ArrowUp') mark(active < 0 ? -1 : active - 1);
  else if (event.key === 'Enter' && !found.hidden) found.pick(Math.max(active, 0));
  else if (event.key === 'Escape') close();
  else if (event.key === 'Backspace' && search.value === '' && picks.length) drop(picks.length - 1);
  else return;
  event.preventDefault();
};
find('clear').onclick = () => { picks = []; update(); };
meet().catch(() => {}); // an error is shown with the first answer
update();
`;

const PAGE_STYLE = `
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1.5rem 3rem; margin-top: 1.5rem; }
.box { position: relative; }
input { width: 100%; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--soft); border-radius: .5rem; padding: .6rem .8rem; }
ul, ol { list-style: none; margin: 0; padding: 0; }
#found { position: absolute; z-index: 1; inset: 100% 0 auto; margin-top: .25rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; box-shadow: 0 6px 24px #0003; overflow: hidden; }
#found li { padding: .5rem .8rem; cursor: pointer; } #found li:hover, #found li[aria-selected=true] { background: var(--line); }
.list li { position: relative; display: flex; gap: .7rem; align-items: baseline; padding: .45rem .6rem; border-bottom: 1px solid var(--line); }
.name { flex: 1; text-align: left; overflow-wrap: anywhere; position: relative; } .share { color: var(--soft); font-variant-numeric: tabular-nums; position: relative; }
.bar { position: absolute; inset: 0 auto 0 0; background: var(--series-0); opacity: .18; border-right: 2px solid var(--series-0); }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; position: relative; } button:hover { text-decoration: underline; }
.columns section { margin: 0; } .heading { display: flex; justify-content: space-between; align-items: baseline; padding-right: .6rem; } #note { min-height: 1.6em; color: var(--soft); margin: .6rem 0 1.5rem; }
#chosen button { margin-left: .7rem; } abbr { color: var(--soft); cursor: help; }
#recommended { counter-reset: rank; } #recommended li::before { counter-increment: rank; content: counter(rank); color: var(--soft); width: 1.4rem; font-variant-numeric: tabular-nums; }
`;

/** The complete page at /, which sends requests only to this server. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gsas-wgpu · what comes next</title>
<link rel="icon" href="data:,">
<style>${STYLE}${PAGE_STYLE}</style>
</head>
<body>
<main>
<h1>What comes next</h1>
<p class="about">Pick items in the order in which you had them. <span class="attention">The bars show where the model looked: a bar across its whole row would be all of the attention.</span></p>
<div class="columns">
<section>
<div class="box">
<input id="search" type="search" role="combobox" aria-label="Find an item" aria-controls="found" aria-expanded="false" aria-autocomplete="list" autocomplete="off" placeholder="Title or id" autofocus>
<ul id="found" role="listbox" aria-label="Items found" hidden></ul>
</div>
<p id="note" role="status"></p>
<div class="heading"><h2>Picked</h2><span id="chosen" hidden><abbr class="attention" title="Each item's weight in the last block's attention from the latest item, the mean over heads; they add up to 100 %">attention</abbr><button id="clear" type="button">Clear</button></span></div>
<ol id="picked" class="list"></ol>
</section>
<section><div class="heading"><h2>Recommended</h2><abbr id="unit"></abbr></div><ol id="recommended" class="list"></ol></section>
</div>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;

const hash = createHash('sha256').update(SCRIPT).digest('base64');

/** Allows the page its own script and requests to its own server, and nothing else. */
export const PAGE_POLICY = {
  'content-security-policy': `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
};
