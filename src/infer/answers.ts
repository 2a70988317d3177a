/** An item that may come next. */
export interface Recommendation {
  /** Its id, 1..numItems. */
  item: number;
  /** The higher, the likelier. The recommender's `meaning` says what else it means. */
  score: number;
  /** The probability that it is the next item, if scores are calibrated. */
  probability?: number;
}

/** Histories that are processed together. */
export interface TopBatch {
  readonly histories: readonly Uint32Array[];
  /** [B] see `TopOptions` */
  readonly users: readonly (number | undefined)[];
  /** [B, seenWords(N)] a bit for each item that is left out */
  readonly excluded: Uint32Array;
  /** How many items to find for each history. */
  readonly top: number;
}
