import { createHash } from 'node:crypto';

/** Header fields that allow a page its own script and requests to its own server, and nothing else. @param script as it stands in the page */
export function pagePolicy(script: string): Readonly<Record<string, string>> {
  const hash = createHash('sha256').update(script).digest('base64');
  const sources = `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:`;
  return {
    'content-security-policy': `${sources}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'referrer-policy': 'no-referrer',
  };
}
