import { type Html, html } from './html.js';

export interface Row {
  readonly name: string;
  readonly cells: readonly (Html | string)[];
}

/** A value that stands out if it wins: the style sets off the cell around it. */
export function marked(value: string, wins: boolean): Html | string {
  return wins ? html`<strong>${value}</strong>` : value;
}

/**
 * A table with the name of each row on its left, which stays in view where a narrow screen scrolls the rest.
 * @param label says what it is to a screen reader
 * @param heads of the names and of each cell
 */
export function table(label: string, heads: readonly string[], rows: readonly Row[]): Html {
  const body = rows.map(
    ({ name, cells }) => html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>${body}</tbody></table></div>`;
}
