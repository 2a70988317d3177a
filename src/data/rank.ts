/** A recommender's ranking for the users of a split. */
export interface Ranking {
  /**
   * [users] the rank of each target among all items: 1 + the number of items that score higher. Infinity for a target that is left out with the
   * history, or whose score is not finite.
   */
  readonly ranks: Float64Array;
  /** [users, top] the best items, best first, 0 where fewer remain. */
  readonly top: Uint32Array;
}
