// Writes an entry point for each part of src/browser.ts and src/index.ts, which a comment of one line begins, and which becomes a page of the API
// reference: gsas-wgpu exports them all together, but 250 names on one page are read by nobody.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const src = (name) => new URL(`../../src/${name}.ts`, import.meta.url);
const out = new URL('modules/', import.meta.url);

/** The parts of an index: title, and the code of its exports. */
function parts(source) {
  const [, ...found] = source.split(/^\/\/ /m);
  return found.map((part) => {
    const end = part.indexOf('\n');
    return { title: part.slice(0, end), code: part.slice(end).trim() };
  });
}

/** What an index says of itself, above its exports. */
function introduction(source) {
  const [, comment] = /^\/\*\*\n([\s\S]*?) \* @module/.exec(source);
  return comment.replaceAll(/^ \* ?/gm, '');
}

const pages = new Map();
for (const { title, code } of ['browser', 'index'].flatMap((name) => parts(readFileSync(src(name), 'utf8')))) {
  pages.set(title, [...(pages.get(title) ?? []), code.replaceAll("from './", "from '../../../src/")]);
}
rmSync(out, { recursive: true, force: true });
mkdirSync(out);
for (const [title, codes] of pages) {
  const name = title.toLowerCase().replaceAll(/[^a-z]+/g, '-');
  const heading = `/**\n * Exported by \`gsas-wgpu\`.\n *\n * @module ${name}\n */\n`;
  writeFileSync(new URL(`${name}.ts`, out), `${heading}\n${codes.join('\n')}\n`);
}
writeFileSync(new URL('README.md', out), `# gsas-wgpu\n\n${introduction(readFileSync(src('index'), 'utf8'))}`);
