import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readResults } from '../bench/common/results.js';
import { generatedParts, withParts } from '../bench/report/pages.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const guides = readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const pages = ['README.md', 'CONTRIBUTING.md', 'bench/README.md', ...guides];

/** Text without code blocks, in which brackets are no links. */
const prose = (file: string) => read(file).replaceAll(/```[\s\S]*?```/g, '');

/** Relative links and images of a page: from the repository's root, with their anchors. */
function linksOf(file: string): { target: string; anchor: string | undefined }[] {
  return [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [path, anchor] = link.split('#');
      return { target: path === '' ? file : normalize(join(dirname(file), path)), anchor };
    });
}

/** What GitHub calls a page's headings in links. */
function anchorsOf(file: string): string[] {
  return [...prose(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

describe.each(pages)('%s', (file) => {
  it('links to what is there, and the front page and the guides to what the package has', () => {
    for (const { target, anchor } of linksOf(file)) {
      expect(existsSync(join(ROOT, target)), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(target), `${target}#${anchor}`).toContain(anchor);
      if (file === 'README.md' || guides.includes(file)) expect(target).toMatch(/^(docs\/|README\.md$|LICENSE$)/);
    }
  });

  it('names files and folders that are there', () => {
    const paths = [...prose(file).matchAll(/`((?:src|test|bench|scripts|examples|docs|\.ci)(?:\/[\w./-]+)?)`/g)]
      .map(([, path]) => path)
      .filter((path) => !/\b(NAME|ADAPTER)\b/.test(path));
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

it('the map of the code says in which file a function is', () => {
  const places = [...prose('docs/architecture.md').matchAll(/`([\w.]+)`\s+\(`(src\/[\w./-]+\.ts)`\)/g)];
  expect(places.length).toBeGreaterThan(30);
  const lost = places.filter(([, name, path]) => {
    const names = name.split('.').map((part) => new RegExp(`\\b${part}\\b`));
    return !names.every((part) => part.test(read(path)));
  });
  expect(lost.map(([text]) => text)).toEqual([]);
});

it('the generated parts of the guides are current: npm run bench -- report', () => {
  const kept = readdirSync(join(ROOT, 'bench/results')).filter((name) => name.endsWith('.json'));
  const results = kept.sort().map((name) => readResults(join(ROOT, 'bench/results', name)));
  for (const [file, parts] of Object.entries(generatedParts(results))) {
    expect(withParts(read(file), parts, file) === read(file), file).toBe(true);
  }
});
