/**
 * The exchanges, in order, that sort n numbers whatever they are: Batcher's odd-even merge sort (Knuth, TAOCP 3, 5.3.4). Each pair (a, b)
 * leaves the lesser number at a.
 */
export function sortingNetwork(n: number): [a: number, b: number][] {
  const exchanges: [number, number][] = [];
  for (let width = 1; width < n; width *= 2) {
    for (let apart = width; apart >= 1; apart /= 2) {
      for (let a = apart % width; a + apart < n; a++) {
        const b = a + apart;
        const inRun = Math.floor((a - (apart % width)) / apart) % 2 === 0;
        const oneMerge = Math.floor(a / (2 * width)) === Math.floor(b / (2 * width));
        if (inRun && oneMerge) exchanges.push([a, b]);
      }
    }
  }
  return exchanges;
}
