/** What a recommender makes of the users of a split. */
export interface Ranking {
  /**
   * [users] of each target among all items: 1 + the number of items that score higher. Infinity for a target that is in the
   * history when the history is left out, or whose score is no finite number.
   */
  readonly ranks: Float64Array;
  /** [users, top] the best items, best first, 0 where fewer remain. */
  readonly top: Uint32Array;
}
