/**
 * The page's program: pick items, see what is recommended after them and why, and how a program asks for the same. The picks are in the address, so that
 * they can be shared. All text from the data is set as text, never as HTML.
 */
export const SCRIPT = `
const ids = ['about', 'quality', 'search', 'found', 'nothing', 'none', 'start', 'some', 'users', 'picked', 'chosen', 'recommended', 'unit', 'whys', 'note', 'went', 'results', 'api', 'request', 'answer', 'copy', 'copied', 'clear'];
const $ = Object.fromEntries(ids.map((id) => [id, document.getElementById(id)]));
const TOP = 12;
const MOST_REASONS = 8;
let picks = fromAddress();
// The example whose history was picked, until the picks change.
let example;
let about;

const nameOf = ({ item, title, original_id }) => title || original_id || '#' + item;
const count = (number) => number.toLocaleString('en-US');
const signed = (number, sign = '') => (number < 0 ? '−' : sign) + Math.abs(number).toFixed(2);
const valueOf = ({ score, probability }) =>
  probability === undefined ? signed(score) : (100 * probability).toFixed(2) + ' %';
function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter(Boolean));
  return made;
}
async function ask(path, body) {
  const response = await fetch(path, body && { method: 'POST', body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

// The model, its data and its quality

async function meet() {
  about = await ask('health');
  const { model, run, data, items, explains, quality = {} } = about;
  for (const told of document.querySelectorAll('.attention')) told.hidden = !explains;
  const size = data ? count(data.users) + ' users, ' + count(items) + ' items, ' + count(data.interactions) + ' interactions' : count(items) + ' items';
  $.about.replaceChildren(element('b', { textContent: run ?? model }), run ? ' · ' + model : '', data ? ' · ' + data.name : '', ' · ' + size);
  $.quality.replaceChildren(...(quality.metrics ?? []).map(({ name, value, compared = [] }) => element('div', {},
    element('dt', { textContent: name + ', ' + quality.split + ' split' }),
    element('dd', {}, element('span', { textContent: value.toFixed(4) }),
      ...compared.map((other) => element('small', { textContent: other.name + ' ' + other.value.toFixed(4) }))))));
}

async function offer() {
  const [items, users] = await Promise.all([ask('items?limit=8'), ask('examples')]);
  $.some.replaceChildren(...items.map((item) => element('li', {},
    element('button', { type: 'button', className: 'chip', onclick: () => pick(item.item) }, element('span', { className: 'name', textContent: nameOf(item) })))));
  $.users.replaceChildren(...users.map((one) => element('li', {},
    element('button', { type: 'button', className: 'person', onclick: () => follow(one) },
      element('b', { textContent: 'User ' + one.user }),
      element('small', { textContent: one.history.length + (one.history.length === 1 ? ' item' : ' items') }),
      element('span', { textContent: one.history.slice(-3).map(nameOf).join(' · ') })))));
  $.users.parentElement.hidden = users.length === 0;
}

// The history

function fromAddress() {
  return location.hash.slice(1).split(',').map(Number).filter((item) => Number.isInteger(item) && item > 0);
}
function change(items, of) {
  picks = items;
  example = of;
  history.replaceState(null, '', picks.length ? '#' + picks : location.pathname);
  update(of !== undefined);
}
function pick(item) {
  $.search.value = '';
  close();
  change([...picks, item]);
  if (!matchMedia('(pointer: coarse)').matches) $.search.focus(); // there it would bring the keyboard up
}
function drop(place) {
  change(picks.filter((_, i) => i !== place));
}
function follow(one) {
  change(one.history.map(({ item }) => item), one);
}

let asked = 0;
// jump: whether to bring the answer into view, which on a phone is far below.
async function update(jump = false) {
  const turn = ++asked;
  const empty = picks.length === 0;
  for (const shown of [$.chosen, $.clear, $.results, $.api]) shown.hidden = empty;
  for (const shown of [$.start, $.none]) shown.hidden = !empty;
  if (empty) {
    for (const filled of [$.picked, $.recommended, $.note, $.went]) filled.replaceChildren();
    $.whys.hidden = true;
    return;
  }
  try {
    if (!about) await meet();
    const began = performance.now();
    const question = { top: TOP, explain: about.explains, why: picks.length > 1 };
    const answer = await ask('recommend', { history: picks.map((item) => ({ item })), ...question });
    if (turn !== asked) return; // a newer request is under way
    const milliseconds = performance.now() - began;
    show(answer);
    $.note.textContent = answer.items.length + ' of ' + count(about.items) + ' items, in ' + milliseconds.toFixed(0) + ' ms';
    if (jump && $.results.getBoundingClientRect().top > innerHeight / 2) $.results.scrollIntoView();
    showRequest({ history: answer.history.map(({ item, original_id }) => original_id ?? { item }), ...question }, answer);
  } catch (error) {
    if (turn === asked) $.note.textContent = error.message;
  }
}

function show(answer) {
  const { next, user } = example ?? {};
  const hit = (item) => item.item === next?.item;
  $.picked.replaceChildren(...answer.history.map((item, i) => element('li', {},
    item.weight !== undefined && element('span', { className: 'bar', style: 'width:' + (100 * item.weight).toFixed(1) + '%' }),
    element('span', { className: 'name', textContent: nameOf(item) }),
    item.weight !== undefined && element('span', { className: 'share', textContent: (100 * item.weight).toFixed(0) + ' %' }),
    element('button', { type: 'button', className: 'remove', textContent: '×', ariaLabel: 'Remove ' + nameOf(item), onclick: () => drop(i) }))));
  const most = Math.max(...answer.items.flatMap(({ why = [] }) => why.map(({ change }) => Math.abs(change))));
  $.recommended.replaceChildren(...answer.items.map((item) => element('li', { className: hit(item) ? 'hit' : '' },
    element('div', { className: 'line' },
      element('button', { type: 'button', className: 'name', title: 'Add it to the history', textContent: nameOf(item), onclick: () => pick(item.item) }),
      element('span', { className: 'share', textContent: valueOf(item) })),
    (item.category || hit(item)) && element('div', { className: 'line' },
      item.category && element('span', { className: 'category', textContent: item.category }),
      hit(item) && element('span', { className: 'came', textContent: 'came next' })),
    item.why?.length > 0 && reasons(item.why, answer.history, most))));
  $.unit.textContent = answer.items[0]?.probability === undefined ? 'score' : 'probability';
  $.unit.title = $.unit.textContent === 'score' ? about.scores : 'The calibrated probability that this item comes next';
  $.whys.hidden = !answer.items.some(({ why = [] }) => why.length > 0);
  const place = answer.items.findIndex(hit) + 1;
  $.went.textContent = next ? 'User ' + user + ' went on to ' + nameOf(next) + ', ' + (place ? 'number ' + place + ' here.' : 'which is not among these.') : '';
}

// Which items of the history raised or lowered an item's score, the strongest few, as bars on one scale for the whole answer.
function reasons(why, history, most) {
  const strongest = [...why].sort((a, b) => Math.abs(b.change) - Math.abs(a.change)).slice(0, MOST_REASONS).sort((a, b) => b.change - a.change);
  const [first] = why;
  const summary = first.change > 0
    ? element('summary', {}, 'because of ', element('cite', { textContent: nameOf(history[first.place]) }))
    : element('summary', {}, 'in spite of the history');
  return element('details', { className: 'reasons' }, summary, ...strongest.map(({ place, change }) => element('div', { className: 'reason' },
    element('span', { className: 'of', textContent: nameOf(history[place]) }),
    element('span', { className: 'scale' }, element('span', { className: change < 0 ? 'lower' : 'raise', style: 'width:' + (50 * Math.abs(change) / most).toFixed(1) + '%' })),
    element('span', { className: 'by', textContent: signed(change, '+') }))));
}

// How a program asks for the same.
function showRequest(question, answer) {
  const body = JSON.stringify(question).replaceAll("'", "'\\\\''");
  $.request.textContent = 'curl ' + new URL('recommend', location.href).href + " -d '" + body + "'";
  $.answer.textContent = JSON.stringify(answer, null, 2);
  $.copied.textContent = '';
}

// The search box: a combobox with a list (ARIA Authoring Practices Guide, "Combobox")

let active = -1;
let searching = 0;
function close() {
  searching++;
  $.found.replaceChildren();
  $.found.hidden = true;
  $.nothing.hidden = true;
  active = -1;
  $.search.setAttribute('aria-expanded', 'false');
  $.search.removeAttribute('aria-activedescendant');
}
async function suggest() {
  const turn = ++searching;
  const text = $.search.value.trim();
  if (text === '') return close();
  const items = await ask('items?limit=8&q=' + encodeURIComponent(text)).catch(() => []);
  if (turn !== searching || document.activeElement !== $.search) return;
  $.found.replaceChildren(...items.map((item, i) => element('li', { id: 'found' + i, role: 'option', ariaSelected: 'false',
    onmousedown: (event) => { event.preventDefault(); pick(item.item); } },
    element('span', { className: 'name', textContent: nameOf(item) }),
    item.category && element('span', { className: 'category', textContent: item.category }))));
  $.found.pick = (i) => pick(items[i].item);
  $.found.hidden = items.length === 0;
  $.nothing.hidden = items.length > 0;
  $.nothing.textContent = items.length > 0 ? '' : 'Nothing found for “' + text + '”.';
  active = -1;
  $.search.removeAttribute('aria-activedescendant');
  $.search.setAttribute('aria-expanded', String(items.length > 0));
}
function mark(place) {
  const options = [...$.found.children];
  if (options.length === 0) return;
  active = (place + options.length) % options.length;
  options.forEach((option, i) => option.setAttribute('aria-selected', String(i === active)));
  $.search.setAttribute('aria-activedescendant', 'found' + active);
}
$.search.oninput = suggest;
$.search.onfocus = suggest;
$.search.onblur = close;
$.search.onkeydown = (event) => {
  if (event.key === 'ArrowDown') mark(active + 1);
  else if (event.key === 'ArrowUp') mark(active < 0 ? -1 : active - 1);
  else if (event.key === 'Enter' && !$.found.hidden) $.found.pick(Math.max(active, 0));
  else if (event.key === 'Escape') close();
  else if (event.key === 'Backspace' && $.search.value === '' && picks.length) drop(picks.length - 1);
  else return;
  event.preventDefault();
};

$.clear.onclick = () => { change([]); $.search.focus(); };
$.copy.onclick = async () => {
  // Only a page of this machine or over HTTPS may write to the clipboard.
  const copied = await navigator.clipboard?.writeText($.request.textContent).then(() => true, () => false);
  $.copied.textContent = copied ? 'Copied.' : 'The browser does not let this page copy; select the text.';
};
onhashchange = () => change(fromAddress());
meet().catch(() => {}); // an error is shown with the first answer
onfocus = () => meet().catch(() => {}); // another model may have taken its place
offer().catch((error) => { $.note.textContent = error.message; });
update();
`;
