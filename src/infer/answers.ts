/** An item that may come next. */
export interface Recommendation {
  /** Its id, 1..numItems. */
  item: number;
  /** The higher the likelier; what it is else, the recommender's `meaning` says. */
  score: number;
  /** That it is the next item, where scores are calibrated. */
  probability?: number;
}

/** Histories that are answered together. */
export interface TopBatch {
  readonly histories: readonly Uint32Array[];
  /** [B] see `TopOptions` */
  readonly users: readonly (number | undefined)[];
  /** [B, seenWords(N)] bits of the items that are left out */
  readonly excluded: Uint32Array;
  /** How many items each. */
  readonly top: number;
}
