/**
 * The library without Node: what runs in a browser and in Deno as well. Devices come from the host's own WebGPU:
 * `Gpu.open(await navigator.gpu.requestAdapter())`. Its imports end in this package and in wgsl-preprocessor.
 *
 * Operations on tensors are modules of their own, `gsas-wgpu/kernels/linear` and so on; `registry` says what there is.
 *
 * @module gsas-wgpu/browser
 */

// A device to work on

export { type Capabilities, Gpu, type GpuOptions, type Recorder } from './engine/gpu.js';

// Data in

export { type Dataset, describeDataset, Sequences, type Split } from './data/dataset.js';
export { fullHistories, withNothingHeldOut } from './data/histories.js';
export { type SyntheticDataset, type SyntheticOptions, syntheticDataset } from './data/synthetic.js';

// Training

export type { QueryBatch, RaggedBatch, Task, TrainingBatch, TrainingBatches } from './data/batches.js';
export type { Metrics } from './data/metrics.js';
export { nextItem } from './data/tasks.js';
export type { ItemCounts } from './kernels/score/sampler.js';
export type { Checkpoint, LoopState, OptimizerSlots, ResumableCheckpoint } from './train/checkpoint.js';
export type { TrainConfig, TrainOptions } from './train/config.js';
export { estimateTraining, type TrainingCost } from './train/estimate.js';
export { MemoryStore } from './train/memory-store.js';
export { type PlanRequest, planTraining, type TrainPlan } from './train/plan.js';
export { PRESETS, presetOptions } from './train/presets.js';
export type { ProgressState } from './train/progress.js';
export type {
  DivergedStep,
  Outcome,
  ResumePoint,
  RunStore,
  SessionStart,
  StepRecord,
  StopReason,
  Validation,
} from './train/run-store.js';
export { type TrainRequest, type TrainResult, train } from './train/train.js';
export { type StepOutcome, Trainer, type TrainerState } from './train/trainer.js';

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

// Answers out

export type { Recommendation, TopBatch } from './infer/answers.js';
export { markov, oracle, popularity } from './infer/baselines.js';
export { type InfluenceOptions, influence, type Reason } from './infer/influence.js';
export { itemKnn } from './infer/item-knn.js';
export { NeuralRecommender, type NeuralSettings } from './infer/neural.js';
export type { CategoryLimit } from './infer/per-category.js';
export {
  type History,
  type ListOptions,
  type RankOptions,
  Recommender,
  type TopOptions,
} from './infer/recommender.js';
export { type Scoring, ScoringRecommender } from './infer/scoring.js';

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

// Errors

export * from './base/errors.js';

// Your own kernels

export type { Choice, Option } from './base/options.js';
export { HostRandom } from './base/philox.js';
export { Gradient, type RowShare } from './engine/gradient.js';
export type { Bound, Pipeline, PipelineCache } from './engine/pipelines.js';
export type { BufferPool, PooledBuffer } from './engine/pool.js';
export type { KernelTime, Profiler } from './engine/profiler.js';
export { type Binding, type Program, program, type Scalar, type Uniform, type Workgroups } from './engine/program.js';
export type { RandomState } from './engine/random.js';
export { Stream } from './engine/stream.js';
export { Table, type TableLayout } from './engine/table.js';
export { type Entry, Tape } from './engine/tape.js';
export { checkShapes, type DType, type HostArray, type Shape, sizeOf, type Tensor } from './engine/tensor.js';
export type { Tuning, TuningAnswer, TuningQuestion } from './engine/tuning.js';
export { float, mainWgsl, type Subgroups, wgsl } from './engine/wgsl.js';
export { checkCase, compare, type Deviation, isOff, OpRun } from './kernels/harness.js';
export { integers, normals, spansOf } from './kernels/inputs.js';
export {
  CASE_RANDOM,
  type Cost,
  defineOp,
  type Op,
  type Operand,
  type ReferenceValues,
  type TypedOp,
} from './kernels/op.js';
export { registry } from './kernels/registry.js';
export { type Finding, type TuneOptions, tune } from './kernels/tune.js';
