// A TypeDoc plugin for what the project says once, elsewhere: options of training are described as in the command's help. It also names parameters that are
// taken apart where they are declared, by their types.
import { Comment, Converter, ReflectionKind } from 'typedoc';
import { configFlags } from '../../dist/train/flags.js';

const OPTIONS = ['TrainOptions', 'TrainConfig', 'ModelConfig'];

/** `ServeOptions` is `options`, `Dataset` is `dataset`; undefined for a type without a name. */
function nameOf(type) {
  const words = type?.name?.match(/[A-Z][a-z]+/g);
  return words?.at(-1).toLowerCase();
}

export function load(app) {
  const descriptions = new Map(configFlags().map(({ key, description }) => [key, description]));
  app.converter.on(Converter.EVENT_RESOLVE, (_, reflection) => {
    const isOption = reflection.kindOf(ReflectionKind.Property) && OPTIONS.includes(reflection.parent?.name);
    const text = isOption && descriptions.get(reflection.name);
    if (text) reflection.comment ??= new Comment([{ kind: 'text', text }]);
    if (reflection.kindOf(ReflectionKind.Parameter) && /^__namedParameters/.test(reflection.name))
      reflection.name = nameOf(reflection.type) ?? 'options';
  });
}
