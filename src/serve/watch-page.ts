import { type Html, html } from '../report/html.js';
import { renderDocument } from '../report/page.js';
import { pagePolicy } from './policy.js';

/**
 * Follows the run. Of a newer report only the parts that differ are replaced, so that the rest keeps its focus and its place, and none while the reader has
 * selected text. What was missed while the server could not be reached is fetched once it can be.
 */
const SCRIPT = `
const [live, report] = ['live', 'report'].map((id) => document.getElementById(id));
let newest;
function show() {
  if (newest === undefined || !getSelection().isCollapsed) return;
  const [before, after] = [[...report.children], [...newest.children]];
  newest = undefined;
  after.forEach((part, i) => {
    if (before[i] === undefined) report.append(part);
    else if (before[i].outerHTML !== part.outerHTML) before[i].replaceWith(part);
  });
  for (const part of before.slice(after.length)) part.remove();
  const state = report.querySelector('.state')?.textContent;
  if (state) document.title = report.querySelector('h1').textContent + ' · ' + state;
}
function take(text) {
  newest = document.createElement('div');
  newest.innerHTML = text;
  show();
}
async function catchUp() {
  const text = await (await fetch('.')).text();
  take(new DOMParser().parseFromString(text, 'text/html').getElementById('report').innerHTML);
}
document.addEventListener('selectionchange', show);
const source = new EventSource('events');
source.onmessage = ({ data }) => take(JSON.parse(data));
source.onopen = () => {
  if (live.textContent) catchUp().catch(() => {});
  live.textContent = '';
};
source.onerror = () => { live.textContent = 'The server cannot be reached. This page goes on when it can.'; };
source.addEventListener('end', () => {
  source.close();
  live.textContent = 'The server has ended. This page stays as it is.';
});
`;

/** The complete page: a report that follows its run. */
export function renderWatchPage(name: string, report: Html): string {
  return renderDocument(
    `${name} · live`,
    html`<p id="live" class="about" role="status"></p><div id="report">${report}</div>`,
    SCRIPT,
  );
}

export const WATCH_POLICY = pagePolicy(SCRIPT);
