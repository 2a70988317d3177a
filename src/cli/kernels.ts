import type { Command } from 'commander';
import { registry } from '../kernels/registry.js';
import { printJson } from './output.js';

export function addKernels(program: Command): void {
  program
    .command('kernels')
    .description('list the operations: what each computes, its test cases and its gradients')
    .option('--json', 'one JSON object a line, with the shapes of the cases and of the benches')
    .action(({ json }: { json?: true }) => {
      for (const { name, formula, cases, benchShapes, differentiable } of registry) {
        if (json) printJson({ name, formula, differentiable, cases, benchShapes });
        else {
          const gradients = differentiable.length > 0 ? `gradients of ${differentiable.join(', ')}` : 'no gradients';
          console.log(`${name}\n  ${formula}\n  ${cases.length} cases, ${gradients}`);
        }
      }
    });
}
