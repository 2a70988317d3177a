/**
 * The library: everything that the commands do, for programs.
 *
 * Items are numbers 1..N everywhere; `itemNames` and `ItemFinder` convert to and from titles and the ids of a log. A model belongs to the `Gpu` that it
 * was made on; several can share one independently. Nothing is kept between calls except what a device owns.
 *
 * Whatever takes long accepts an `AbortSignal`. Errors thrown on purpose are `GsasError`s whose message is one line for a person; an `InputError` among
 * them is a mistake in the input.
 *
 * The declarations name some of WebGPU's types. TypeScript's DOM library has them from version 6 on. A program that looks into a device without that library, or with an
 * older one, adds "types": ["@webgpu/types"]; any other needs no setting.
 *
 * @module gsas-wgpu
 */

export * from './browser.js';

// A device to work on

export { type AdapterOptions, type FoundAdapter, openAdapter, type Survey, surveyAdapters } from './node/adapter.js';
export { openGpu } from './node/gpu.js';
export { ensureAdapter, installSoftware, type Log, type SoftwareName } from './node/software.js';

// Data in

export type { DatasetProfile } from './data/profile.js';
export type { DatasetStats, LineStats, Ties } from './data/stats.js';
export { PUBLIC_DATASETS, type PublicDataset } from './ingest/download/catalogue.js';
export { type DownloadOptions, downloadDataset } from './ingest/download/download.js';
export type { Dropped } from './ingest/events.js';
export { type ImportReport, importInteractions } from './ingest/import.js';
export type { ImportOptions, ReadOptions, TitleOptions } from './ingest/options.js';
export { type ColumnPreview, type FilePreview, previewImport } from './ingest/preview.js';
export type { Unseen } from './ingest/writer.js';
export { readDataset, writeDataset } from './store/layout.js';
export { datasetStats } from './store/stats.js';

// Training

export type { Environment } from './store/environment.js';
export { RunFolder, type RunFolderOptions } from './store/run-folder.js';
export type { Session } from './store/sessions.js';
export { openSource, recallSource, type Source } from './store/source.js';

// Checkpoints and models

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

export { cardOf, cardOfData, type ModelCard, type Quality } from './serve/card.js';
export { type ServeOptions, serve } from './serve/serve.js';
export type {
  NamedItem,
  RecommendReply,
  ScoredItem,
  ServedModel,
  SimilarReply,
  UnknownTexts,
  UserExample,
} from './serve/service.js';
export { type ExampleUser, exampleUsers } from './store/examples.js';
export { type Found, ItemFinder } from './store/find.js';
export { itemNames, userNames } from './store/names.js';
export { type Column, type Row, writeTable } from './store/table.js';
export { type ItemNames, readItemNames } from './store/titles.js';
export { KnownUsers, knownUsers } from './store/users.js';

// Watching and understanding runs

export { analyseRun } from './report/analyse-run.js';
export type { Analysis, Calibration, Cases, Example, Item, Profile, Ranked } from './report/analysis.js';
export { listRuns, type RunSummary } from './report/list.js';
export { writeReport } from './report/report.js';
export { type RunDataset, type RunRecord, type RunState, readRun } from './report/run.js';
export { type WatchOptions, watchRun } from './serve/watch.js';
export type { JournalRecord } from './store/journal.js';
