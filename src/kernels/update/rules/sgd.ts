import { LR, type UpdateRule } from '../rule.js';

/** Stochastic gradient descent without momentum: Robbins, Monro, "A stochastic approximation method", 1951. */
export const sgd = {
  name: 'sgd',
  help: 'gradient descent without momentum',
  formula: 'param -= lr gradient (Robbins, Monro 1951)',
  slots: [],
  options: { lr: LR },
  params: 'lr: f32',
  wgsl: /* wgsl */ `
fn update_cell(i: u32, g: Cell) { param[i] -= params.lr * g; }
`,
  uniforms: ({ lr }) => ({ lr }),
  reference: ({ param, gradient }, { lr }) => ({ param: param.map((value, i) => value - lr * gradient[i]) }),
  flops: 2,
} satisfies UpdateRule;
