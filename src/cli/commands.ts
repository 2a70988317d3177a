import type { Command } from 'commander';

type Add = (program: Command) => void;

/** Every command by name, loaded when it is used: most need packages, and parts of this one, that others do not. */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  data: async () => (await import('./data.js')).addData,
  train: async () => (await import('./train.js')).addTrain,
  replay: async () => (await import('./replay.js')).addReplay,
  evaluate: async () => (await import('./evaluate.js')).addEvaluate,
  recommend: async () => (await import('./recommend.js')).addRecommend,
  similar: async () => (await import('./similar.js')).addSimilar,
  serve: async () => (await import('./serve.js')).addServe,
  report: async () => (await import('./report.js')).addReport,
  watch: async () => (await import('./watch.js')).addWatch,
  runs: async () => (await import('./runs.js')).addRuns,
  convert: async () => (await import('./convert.js')).addConvert,
  parity: async () => (await import('./parity.js')).addParity,
  kernels: async () => (await import('./kernels.js')).addKernels,
  bench: async () => (await import('./bench.js')).addBench,
  tune: async () => (await import('./tune.js')).addTune,
  doctor: async () => (await import('./doctor.js')).addDoctor,
};

/**
 * Adds the command that these arguments name. If they name none, adds all commands and shell completion: for help, for completion itself, and to suggest
 * the intended one.
 */
export async function addCommands(program: Command, args: readonly string[]): Promise<void> {
  const asked = args.find((arg) => !arg.startsWith('-'));
  if (asked !== undefined && Object.hasOwn(COMMANDS, asked)) (await COMMANDS[asked]())(program);
  else {
    for (const add of await Promise.all(Object.values(COMMANDS).map((load) => load()))) add(program);
    const { addCompletion } = await import('./completion.js');
    addCompletion(program); // last: it looks at the commands before it
  }
}
