import { expect, it } from 'vitest';
import { sortingNetwork } from '../src/kernels/group/network.js';

it.each([1, 2, 5, 8, 11, 16])(
  'sorts any %i numbers, since it sorts all of zeros and ones (Knuth, TAOCP 3, 5.3.4, theorem Z)',
  (n) => {
    const exchanges = sortingNetwork(n);
    for (let bits = 0; bits < 2 ** n; bits++) {
      let sorted = bits;
      for (const [a, b] of exchanges) {
        const [x, y] = [(sorted >> a) & 1, (sorted >> b) & 1];
        if (x > y) sorted ^= (1 << a) | (1 << b);
      }
      const ones = bits.toString(2).replaceAll('0', '').length;
      if (sorted !== (2 ** ones - 1) * 2 ** (n - ones)) expect.fail(`${bits.toString(2)} became ${sorted.toString(2)}`);
    }
  },
);
