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
export { type SyntheticDataset, type SyntheticOptions, syntheticDataset } from './data/synthetic.js';
export { PUBLIC_DATASETS, type PublicDataset } from './ingest/download/catalogue.js';
export { type DownloadOptions, downloadDataset } from './ingest/download/download.js';
export type { Dropped } from './ingest/events.js';
export { type ImportReport, importInteractions } from './ingest/import.js';
export type { ImportOptions, ReadOptions, TitleOptions } from './ingest/options.js';
export { type ColumnPreview, type FilePreview, previewImport } from './ingest/preview.js';
export { type DatasetStats, datasetStats, type LineStats } from './ingest/stats.js';
export type { Unseen } from './ingest/writer.js';
export { readDataset, writeDataset } from './store/layout.js';

// Training

export type { QueryBatch, RaggedBatch, Task, TrainingBatch, TrainingBatches } from './data/batches.js';
export type { Metrics } from './data/metrics.js';
export { nextItem } from './data/tasks.js';
export type { Environment } from './store/environment.js';
export { RunFolder, type RunFolderOptions } from './store/run-folder.js';
export type { Session } from './store/sessions.js';
export { openSource, recallSource, type Source } from './store/source.js';
export type { Checkpoint, LoopState, OptimizerSlots, ResumableCheckpoint } from './train/checkpoint.js';
export type { TrainConfig, TrainOptions } from './train/config.js';
export { estimateTraining, type TrainingCost } from './train/estimate.js';
export { MemoryStore } from './train/memory-store.js';
export { type PlanRequest, planTraining, type TrainPlan } from './train/plan.js';
export { PRESETS, presetOptions } from './train/presets.js';
export type { ProgressState } from './train/progress.js';
export type {
  Outcome,
  ResumePoint,
  RunStore,
  SessionStart,
  StepRecord,
  StopReason,
  Validation,
} from './train/run-store.js';
export { type TrainRequest, type TrainResult, train } from './train/train.js';
export { Trainer, type TrainerState } from './train/trainer.js';

// Checkpoints and models

export type {
  Architecture,
  EncodeOptions,
  LastTokens,
  ModelConfig,
  Network,
  ParameterSpec,
  RowRole,
  SequenceTensors,
} from './model/architecture.js';
export {
  type Initialiser,
  NORMAL,
  NORMAL_SHIFTED,
  ONES,
  SHIFT,
  type Start,
  uniform,
  ZEROS,
} from './model/initialisers.js';
export { Model } from './model/model.js';
export { COMMON_OPTIONS } from './model/options.js';
export {
  type HostParameter,
  type HostParameters,
  type Initialisation,
  initialParameters,
} from './model/parameters.js';
export { registerArchitecture } from './model/registry.js';
export { loadCheckpoint, saveWeights } from './store/checkpoint.js';
export {
  type Converted,
  type ConvertOptions,
  convert,
  type OpenOptions,
  openCheckpoint,
} from './store/convert/index.js';
export { checkParity, type ParityRow } from './store/parity.js';

// Answers out

export { markov, oracle, popularity } from './infer/baselines.js';
export { NeuralRecommender, type NeuralSettings } from './infer/neural.js';
export {
  type History,
  type RankOptions,
  type Recommendation,
  Recommender,
  type TopBatch,
  type TopOptions,
} from './infer/recommender.js';
export { type Scoring, ScoringRecommender } from './infer/scoring.js';
export { type ServeOptions, serve } from './serve/serve.js';
export type { NamedItem, RecommendReply } from './serve/service.js';
export { type Found, ItemFinder } from './store/find.js';
export { itemNames, userNames } from './store/names.js';
export { type Column, type Row, writeTable } from './store/table.js';
export { type ItemNames, readItemNames } from './store/titles.js';

// Measuring

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
export type { Ranking } from './data/rank.js';
export { SAMPLED_WARNING } from './data/sampled.js';
export { DEFAULT_MEASUREMENT, type EvaluationOptions, evaluate } from './infer/evaluation.js';

// Watching and understanding runs

export { analyseRun } from './report/analyse-run.js';
export type { Analysis, Calibration, Example, Item, Profile, Ranked } from './report/analysis.js';
export { listRuns, type RunSummary } from './report/list.js';
export { writeReport } from './report/report.js';
export { type RunDataset, type RunRecord, type RunState, readRun } from './report/run.js';
export { type WatchOptions, watchRun } from './serve/watch.js';
export type { JournalRecord } from './store/journal.js';

// Errors

export * from './base/errors.js';

// Kernels of one's own

export type { HostRandom } from './base/philox.js';
export { Gradient, type RowShare } from './engine/gradient.js';
export type { Pipeline, PipelineCache } from './engine/pipelines.js';
export type { BufferPool, PooledBuffer } from './engine/pool.js';
export type { KernelTime, Profiler } from './engine/profiler.js';
export type { Binding, Program, Scalar, Uniform } from './engine/program.js';
export { Stream } from './engine/stream.js';
export { type Entry, Tape } from './engine/tape.js';
export type { DType, HostArray, Shape, Tensor } from './engine/tensor.js';
export type { Tuning, TuningAnswer, TuningQuestion } from './engine/tuning.js';
export type { Cost, Op, Operand, ReferenceValues } from './kernels/op.js';
export { registry } from './kernels/registry.js';
