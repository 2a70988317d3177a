import type { IncomingMessage } from 'node:http';
import { InputError } from '../base/errors.js';
import { HttpError, type Reply } from './http.js';

/** Which other sites' pages may read the answers (WHATWG Fetch, section 3.2, "CORS protocol"): those of the listed origins, or of any with `*`. */
export function corsOf({ headers: { origin } }: IncomingMessage, allowed: readonly string[]): Record<string, string> {
  if (allowed.length === 0) return {};
  if (allowed.includes('*')) return { 'access-control-allow-origin': '*' };
  const listed = origin !== undefined && allowed.includes(origin);
  return { vary: 'origin', ...(listed && { 'access-control-allow-origin': origin }) };
}

/** The answer to OPTIONS, by which a browser asks before it sends JSON from another origin. @throws HttpError for an origin that is not listed */
export function preflight(request: IncomingMessage, allowed: readonly string[], methods: string): Reply {
  const { origin } = request.headers;
  const headers = { allow: methods };
  if (origin === undefined) return { status: 204, body: '', headers };
  if (!('access-control-allow-origin' in corsOf(request, allowed)))
    throw new HttpError(403, `pages of ${origin} may not ask this service; serve --cors ${origin} lets them`, headers);
  const granted = { 'access-control-allow-methods': methods, 'access-control-allow-headers': 'content-type' };
  return { status: 204, body: '', headers: { ...headers, ...granted, 'access-control-max-age': '600' } };
}

/** @param text origins separated by commas or spaces, or `*`. @throws InputError for a text that is not an origin, naming the probable one */
export function parseOrigins(text: string): string[] {
  const origins = text.split(/[\s,]+/).filter(Boolean);
  if (origins.length === 0) throw new InputError('--cors is empty; give origins such as https://shop.example, or *');
  for (const given of origins) {
    const origin = URL.canParse(given) && /^https?:/i.test(given) ? new URL(given).origin : undefined;
    if (given === '*' || given === origin) continue;
    const hint =
      origin === undefined ? 'give scheme and host, such as https://shop.example' : `did you mean ${origin}?`;
    throw new InputError(`--cors: ${given} is no origin; ${hint}`);
  }
  return origins;
}
