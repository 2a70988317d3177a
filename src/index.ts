/**
 * The library's public face: everything that the commands do.
 *
 * Its declarations name WebGPU's types, which TypeScript 6 and later has in its DOM library. Without that library, or with an older
 * TypeScript, "types": ["@webgpu/types"] has them; a reference to them here would clash with the DOM library's.
 */

export { markovScores, popularityScores } from './data/baselines.js';
export { DEFAULT_RESAMPLING, type Resampling } from './data/bootstrap.js';
export { type Dataset, describeDataset, Sequences, type Split } from './data/dataset.js';
export { PUBLIC_DATASETS, type PublicDataset } from './data/download/catalogue.js';
export { type DownloadOptions, downloadDataset } from './data/download/download.js';
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
export { type Found, ItemFinder } from './data/find.js';
export { type ImportReport, importInteractions } from './data/import/import.js';
export type { ImportOptions, ReadOptions, TitleOptions } from './data/import/options.js';
export { readDataset, writeDataset } from './data/layout.js';
export { METRIC_NAMES, type MetricName, mrr, ndcgAt, recallAt } from './data/metrics.js';
export { type Ranking, rankByScores, rankTargets, type Scorer } from './data/rank.js';
export { SAMPLED_WARNING } from './data/sampled.js';
export { type DatasetStats, datasetStats, type LineStats } from './data/stats.js';
export { type SyntheticDataset, syntheticDataset } from './data/synthetic.js';
export { type Column, type Row, writeTable } from './data/table.js';
export { type ItemNames, readItemNames, readTitles } from './data/titles.js';
export * from './engine/errors.js';
export { type Capabilities, Gpu, type GpuOptions } from './engine/gpu.js';
export type { KernelTime } from './engine/profiler.js';
export { Stream } from './engine/stream.js';
export { Tape } from './engine/tape.js';
export type { Tensor } from './engine/tensor.js';
export { registry } from './kernels/index.js';
export type { ModelConfig } from './model/config.js';
export { GSASRec } from './model/gsasrec.js';
export { type HostParameters, initialParameters } from './model/parameters.js';
export { type AdapterOptions, type FoundAdapter, openAdapter, type Survey, surveyAdapters } from './node/adapter.js';
export { openGpu } from './node/gpu.js';
export { ensureAdapter, installSoftware, type SoftwareName } from './node/software.js';
export { listRuns, type RunSummary } from './report/list.js';
export { writeReport } from './report/report.js';
export { type RunRecord, type RunState, readRun } from './report/run.js';
export { type WatchOptions, watchRun } from './report/watch.js';
export { type Checkpoint, loadCheckpoint, saveWeights } from './train/checkpoint.js';
export { PRESETS, presetOptions, type TrainConfig, type TrainOptions } from './train/config.js';
export {
  type Converted,
  type ConvertOptions,
  convert,
  type OpenOptions,
  openCheckpoint,
} from './train/convert/index.js';
export {
  type EvaluateOptions,
  evaluateSplit,
  type Metrics,
  metricsOf,
  rankSplit,
  rankUsers,
} from './train/evaluate.js';
export { DEFAULT_MEASUREMENT, evaluate, evaluateScorer } from './train/evaluation.js';
export { itemNames, userNames } from './train/names.js';
export { checkParity, type ParityRow } from './train/parity.js';
export { type PlanRequest, planTraining, type TrainPlan } from './train/plan.js';
export type { ProgressState } from './train/progress.js';
export {
  type History,
  probabilityOf,
  type Recommendation,
  type RecommendOptions,
  recommend,
  recommendBatches,
} from './train/recommend.js';
export type { StopReason } from './train/sessions.js';
export { type TrainRequest, type TrainResult, train, type Validation } from './train/train.js';
export { Trainer, type TrainerState } from './train/trainer.js';
