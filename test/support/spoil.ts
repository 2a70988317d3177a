import { loadResumable, saveCheckpoint } from '../../src/store/resumable.js';

/** Makes a run's next step produce weights that are NaN, because Adam takes the root of its second moment. */
export function spoilSlots(run: string): void {
  const checkpoint = loadResumable(run);
  const v = new Map(
    [...checkpoint.slots.v].map(([name, { shape, data }]) => [name, { shape, data: data.map(() => -1) }]),
  );
  saveCheckpoint(run, { ...checkpoint, slots: { ...checkpoint.slots, v } }, false);
}
