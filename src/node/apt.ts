import { existsSync } from 'node:fs';

/** One package source: the fields of a deb822 stanza (https://manpages.debian.org/sources.list), each a list of words. */
export interface AptSource {
  uris: string[];
  suites: string[];
  components: string[];
  /** The value of Signed-By as written: a path, or an embedded key over several lines. */
  signedBy?: string;
}

/** Reads `deb` entries from the text of a `.list` (one-line) file. Other entries and comments are left out. */
export function parseList(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?([^#]+)/.exec(line);
    if (!match) continue;
    const [uri, suite, ...components] = match[2].trim().split(/\s+/);
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(match[1] ?? '')?.[1];
    if (uri && suite) sources.push({ uris: [uri], suites: [suite], components, ...(signedBy && { signedBy }) });
  }
  return sources;
}

/** Reads `deb` stanzas from the text of a `.sources` (deb822) file. Disabled ones and comments are left out. */
export function parseSources(text: string): AptSource[] {
  const sources: AptSource[] = [];
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  for (const stanza of lines.join('\n').split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    for (const [, key, value] of stanza.matchAll(/^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)/gm)) {
      fields.set(key!.toLowerCase(), value!.trim());
    }
    const words = (key: string) => (fields.get(key) ?? '').split(/\s+/).filter(Boolean);
    if (!words('types').includes('deb') || /^(no|false|0|off)$/i.test(fields.get('enabled') ?? '')) continue;
    const signedBy = fields.get('signed-by');
    sources.push({
      uris: words('uris'),
      suites: words('suites'),
      components: words('components'),
      ...(signedBy && { signedBy }),
    });
  }
  return sources;
}

/**
 * Debian's own archives from the system's sources, with `<codename>-backports` added from the same mirror, as the text of a deb822 file. Falls back to
 * deb.debian.org if the system names no mirror.
 */
export function withBackports(system: AptSource[], codename: string): string {
  const debian = system.filter(
    ({ uris, suites, components }) =>
      components.includes('main') &&
      uris.some((uri) => /\/debian(-security)?(\/|$)/.test(uri)) &&
      suites.some((suite) => suite === codename || suite.startsWith(`${codename}-`)),
  );
  let base = debian.find(({ suites }) => suites.includes(codename));
  if (!base) {
    base = { uris: ['http://deb.debian.org/debian'], suites: [codename], components: ['main'] };
    const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
    if (existsSync(keyring)) base.signedBy = keyring;
    debian.push(base);
  }
  return [...debian, { ...base, suites: [`${codename}-backports`] }]
    .map(({ uris, suites, components, signedBy }) =>
      [
        'Types: deb',
        `URIs: ${uris.join(' ')}`,
        `Suites: ${suites.join(' ')}`,
        `Components: ${components.join(' ')}`,
        ...(signedBy ? [`Signed-By: ${signedBy}`] : []),
      ].join('\n'),
    )
    .join('\n\n');
}

/** What `apt-get --simulate install` says it would do: `Inst NAME [OLD] (NEW ORIGIN [ARCH])` a line. */
export function parsePlan(simulated: string): { name: string; version: string; upgrade: boolean }[] {
  return [...simulated.matchAll(/^Inst (\S+)( \[[^\]]*\])? \((\S+)/gm)].map(([, name, old, version]) => ({
    name: name!,
    version: version!,
    upgrade: old !== undefined,
  }));
}

/** The major number of a Debian version, its epoch left out: `1:25.0.7-2~bpo12+1` is 25. */
export function majorVersion(version: string): number {
  return Number.parseInt(version.replace(/^\d+:/, ''), 10);
}
