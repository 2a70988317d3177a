/**
 * How long the sequences of a data set are: a hundred lengths, each the mean over a hundredth of its users, shortest first. From
 * MovieLens-1M's training split (GroupLens) and Amazon Beauty (as in Sun et al., "BERT4Rec", CIKM 2019, table 1).
 */
export const ML1M = [
  18, 18, 19, 20, 21, 21, 22, 23, 24, 25, 26, 27, 27, 29, 30, 31, 32, 33, 34, 35, 36, 37, 39, 40, 41, 43, 44, 45, 47,
  48, 50, 51, 53, 55, 57, 59, 60, 62, 64, 66, 69, 71, 73, 75, 78, 80, 83, 86, 89, 92, 95, 98, 100, 102, 105, 109, 113,
  116, 119, 123, 126, 130, 135, 139, 144, 148, 153, 157, 162, 168, 173, 181, 189, 196, 202, 209, 217, 225, 234, 245,
  256, 267, 280, 292, 302, 314, 327, 347, 367, 389, 406, 431, 465, 499, 533, 583, 647, 732, 839, 1142,
];
export const BEAUTY = [
  5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6,
  6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 10,
  10, 10, 10, 11, 11, 11, 12, 12, 12, 13, 13, 14, 15, 15, 16, 17, 19, 21, 23, 27, 35, 66,
];
/** For Steam only the mean is known here (12.4, same table), and that every user has at least 5: so it is an exponential distribution from there. */
export const STEAM = Array.from({ length: 100 }, (_, i) => Math.round(5 - 7.45 * Math.log(1 - (i + 0.5) / 100)));
