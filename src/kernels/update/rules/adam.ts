import { LR, type UpdateRule } from '../rule.js';

/**
 * Adam: Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1, as torch.optim.Adam computes it without weight decay,
 * with PyTorch's defaults: m by interpolation, eps outside the root. The bias corrections are worked out in double precision.
 */
export const adam = {
  name: 'adam',
  help: "PyTorch's, without weight decay",
  formula: 'param -= lr mhat / (sqrt(vhat) + eps) (Kingma, Ba 2015, algorithm 1)',
  slots: ['m', 'v'],
  options: {
    lr: LR,
    adam_beta1: {
      type: 'number',
      default: 0.9,
      min: 0,
      below: 1,
      help: "decay of Adam's mean gradient from step to step",
    },
    adam_beta2: { type: 'number', default: 0.999, min: 0, below: 1, help: "decay of Adam's mean squared gradient" },
    adam_eps: {
      type: 'number',
      default: 1e-8,
      above: 0,
      max: 1,
      help: "what keeps Adam's division by a root from zero",
    },
  },
  params: 'one_minus_beta1: f32, beta2: f32, one_minus_beta2: f32, step_size: f32, root_correction: f32, eps: f32',
  wgsl: /* wgsl */ `
fn update_cell(i: u32, g: Cell) {
  let first = m[i] + params.one_minus_beta1 * (g - m[i]);
  let second = params.beta2 * v[i] + params.one_minus_beta2 * (g * g);
  m[i] = first;
  v[i] = second;
  param[i] -= params.step_size * (first / (sqrt(second) / params.root_correction + Cell(params.eps)));
}
`,
  uniforms: ({ lr, adam_beta1: beta1, adam_beta2: beta2, adam_eps: eps }, step) => ({
    one_minus_beta1: 1 - beta1,
    beta2,
    one_minus_beta2: 1 - beta2,
    step_size: lr / (1 - beta1 ** step),
    root_correction: Math.sqrt(1 - beta2 ** step),
    eps,
  }),
  reference({ param, gradient, m, v }, { lr, adam_beta1: beta1, adam_beta2: beta2, adam_eps: eps }, step) {
    const first = m.map((value, i) => beta1 * value + (1 - beta1) * gradient[i]);
    const second = v.map((value, i) => beta2 * value + (1 - beta2) * gradient[i] ** 2);
    const moved = param.map((value, i) => {
      const unbiased = second[i] / (1 - beta2 ** step);
      return value - ((lr / (1 - beta1 ** step)) * first[i]) / (Math.sqrt(unbiased) + eps);
    });
    return { param: moved, m: first, v: second };
  },
  flops: 13,
} satisfies UpdateRule;
