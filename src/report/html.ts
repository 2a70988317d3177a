/** Text that is HTML already. Everything else in an `html` template is escaped. */
export class Html {
  constructor(readonly text: string) {}
}

type Content = Html | string | number | undefined | null | false | readonly Content[];

/** HTML from a template. undefined, null and false become nothing, and lists are joined. */
export function html(parts: TemplateStringsArray, ...contents: Content[]): Html {
  return new Html(parts.reduce((text, part, i) => text + toText(contents[i - 1]) + part));
}

function toText(content: Content): string {
  if (content === undefined || content === null || content === false) return '';
  if (content instanceof Html) return content.text;
  if (Array.isArray(content)) return content.map(toText).join('');
  return escapeHtml(String(content));
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** With separators: 12,345. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** A share in per cent: 12.3 %. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Short, for an axis: 12K. */
export function compact(value: number): string {
  return value.toLocaleString('en-US', { notation: 'compact', maximumSignificantDigits: 3 });
}
