/**
 * The library's public face: everything that the commands do, for a program of one's own.
 *
 * Items are numbers 1..N everywhere; `itemNames` and `ItemFinder` go to and from titles and the ids of a log. A model belongs to the `Gpu`
 * that it was made on; several share one without knowing of each other. Nothing is kept between calls but what a device owns.
 *
 * What takes long takes an `AbortSignal`. Errors thrown on purpose are `GsasError`s whose message is one line for a person; of these an
 * `InputError` is a mistake in what was given.
 *
 * The declarations name WebGPU's types, which TypeScript 6 and later has in its DOM library. Without that library, or with an older
 * TypeScript, "types": ["@webgpu/types"] has them; a reference to them here would clash with the DOM library's.
 *
 * @module gsas-wgpu
 */

// A device to work on

export { type Capabilities, Gpu, type GpuOptions } from './engine/gpu.js';
export { type AdapterOptions, type FoundAdapter, openAdapter, type Survey, surveyAdapters } from './node/adapter.js';
export { openGpu } from './node/gpu.js';
export { ensureAdapter, installSoftware, type Log, type SoftwareName } from './node/software.js';

// Data in

export { type Dataset, describeDataset, Sequences, type Split } from './data/dataset.js';
export { PUBLIC_DATASETS, type PublicDataset } from './data/download/catalogue.js';
export { type DownloadOptions, downloadDataset } from './data/download/download.js';
export type { Dropped } from './data/import/events.js';
export { type ImportReport, importInteractions } from './data/import/import.js';
export type { ImportOptions, ReadOptions, TitleOptions } from './data/import/options.js';
export type { Unseen } from './data/import/writer.js';
export { readDataset, writeDataset } from './data/layout.js';
export { type DatasetStats, datasetStats, type LineStats } from './data/stats.js';
export { type SyntheticDataset, type SyntheticOptions, syntheticDataset } from './data/synthetic.js';

// Training

export type { RaggedBatch, TrainingBatch, TrainingBatches } from './data/batches.js';
export { PRESETS, presetOptions, type TrainConfig, type TrainOptions } from './train/config.js';
export type { Environment } from './train/environment.js';
export { estimateTraining, type TrainingCost } from './train/estimate.js';
export { type PlanRequest, planTraining, type TrainPlan } from './train/plan.js';
export type { ProgressState } from './train/progress.js';
export type { Metrics } from './train/ranking.js';
export type { Session, StopReason } from './train/sessions.js';
export { openSource, recallSource, type Source } from './train/source.js';
export { type TrainRequest, type TrainResult, train, type Validation } from './train/train.js';
export { Trainer, type TrainerState } from './train/trainer.js';

// Checkpoints and models

export type { LastTokens } from './model/block.js';
export type { ModelConfig } from './model/config.js';
export { GSASRec, type LossOptions, type SequenceTensors } from './model/gsasrec.js';
export {
  type HostParameter,
  type HostParameters,
  type Initialisation,
  initialParameters,
} from './model/parameters.js';
export {
  type Checkpoint,
  type LoopState,
  loadCheckpoint,
  type ResumableCheckpoint,
  saveWeights,
  type Weights,
} from './train/checkpoint.js';
export {
  type Converted,
  type ConvertOptions,
  convert,
  type OpenOptions,
  openCheckpoint,
} from './train/convert/index.js';
export { checkParity, type ParityRow } from './train/parity.js';

// Answers out

export { type Found, ItemFinder } from './data/find.js';
export { type Column, type Row, writeTable } from './data/table.js';
export { type ItemNames, readItemNames } from './data/titles.js';
export { type ServeOptions, serve } from './serve/serve.js';
export type { NamedItem, RecommendReply } from './serve/service.js';
export { attentionOver } from './train/explain.js';
export { itemNames, userNames } from './train/names.js';
export {
  type History,
  probabilityOf,
  type Recommendation,
  type RecommendOptions,
  recommend,
  recommendBatches,
} from './train/recommend.js';

// Measuring

export { markovScores, popularityScores } from './data/baselines.js';
export { DEFAULT_RESAMPLING, type Resampling } from './data/bootstrap.js';
export {
  type BucketEstimates,
  comparePaired,
  type Estimate,
  type Estimates,
  type Evaluation,
  type Measurement,
  type Paired,
  type UserValues,
} from './data/evaluation.js';
export { METRIC_NAMES, type MetricName } from './data/metrics.js';
export type { Ranking, Scorer } from './data/rank.js';
export { SAMPLED_WARNING } from './data/sampled.js';
export { DEFAULT_MEASUREMENT, type EvaluationOptions, evaluate, evaluateScorer } from './train/evaluation.js';

// Watching and understanding runs

export { analyseRun } from './report/analyse-run.js';
export type { Analysis, Calibration, Example, Item, Profile, Ranked } from './report/analysis.js';
export { listRuns, type RunSummary } from './report/list.js';
export { writeReport } from './report/report.js';
export { type RunDataset, type RunRecord, type RunState, readRun } from './report/run.js';
export { type WatchOptions, watchRun } from './report/watch.js';
export type { JournalRecord } from './train/journal.js';
export type { StepRecord } from './train/runlog.js';

// Errors

export * from './engine/errors.js';

// Kernels of one's own

export type { AnyOp, Cost, HostTensor, Op, ReferenceValues } from './engine/kernel.js';
export type { HostRandom } from './engine/philox.js';
export type { Pipeline, PipelineCache } from './engine/pipelines.js';
export type { BufferPool, PooledBuffer } from './engine/pool.js';
export type { KernelTime, Profiler } from './engine/profiler.js';
export type { Binding, Program, Scalar, Uniform } from './engine/program.js';
export { Stream } from './engine/stream.js';
export { type Entry, type RowGradient, Tape } from './engine/tape.js';
export type { DType, HostArray, Shape, Tensor } from './engine/tensor.js';
export type { Answer, Question, Tuning } from './engine/tuning.js';
export { registry } from './kernels/index.js';
