// A TypeDoc plugin for what the project says once, elsewhere: the contents of the page are in the order of src/browser.ts and src/index.ts,
// and the options of training are described as in the command's help.
import { readFileSync } from 'node:fs';
import { Comment, Converter, ReflectionKind } from 'typedoc';
import { configFlags } from '../../dist/train/flags.js';

const INDEXES = ['browser', 'index'].map((name) => new URL(`../../src/${name}.ts`, import.meta.url));
const OPTIONS = ['TrainOptions', 'TrainConfig', 'ModelConfig'];

export function load(app) {
  const descriptions = new Map(configFlags().map(({ key, description }) => [key, description]));
  app.converter.on(Converter.EVENT_RESOLVE, (_, reflection) => {
    const isOption = reflection.kindOf(ReflectionKind.Property) && OPTIONS.includes(reflection.parent?.name);
    const text = isOption && descriptions.get(reflection.name);
    if (text) reflection.comment ??= new Comment([{ kind: 'text', text }]);
  });
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    const listed = merged(INDEXES.flatMap((file) => sections(readFileSync(file, 'utf8'))));
    const known = new Set(listed.flatMap(({ names }) => names));
    const others = project.children.map(({ name }) => name).filter((name) => !known.has(name)); // by export *
    project.comment.summary.push({ kind: 'text', text: '\n\n| | |\n| --- | --- |' });
    for (const { title, names } of listed) {
      project.comment.summary.push({ kind: 'text', text: `\n| **${title}** | ` });
      for (const name of names.flatMap((name) => (name === '*' ? others : name))) {
        const target = project.getChildByName(name);
        project.comment.summary.push(
          { kind: 'inline-tag', tag: '@link', text: name, target },
          { kind: 'text', text: ' ' },
        );
      }
      project.comment.summary.push({ kind: 'text', text: '|' });
    }
  });
}

/** Parts of the same title become one, at the place of the first. */
function merged(parts) {
  const byTitle = new Map();
  for (const { title, names } of parts) byTitle.set(title, [...(byTitle.get(title) ?? []), ...names]);
  return [...byTitle].map(([title, names]) => ({ title, names }));
}

/** The parts of an index, each under a comment of one line, and the names that it exports. */
function sections(source) {
  const [, ...parts] = source.split(/^\/\/ /m);
  return parts.map((part) => {
    const [title, ...code] = part.split('\n');
    const names = code
      .join('\n')
      .replaceAll(/from '.*?';/g, '')
      .match(/\*|\w+/g);
    return { title, names: names.filter((name) => name !== 'export' && name !== 'type') };
  });
}
