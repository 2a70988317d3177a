/** How a kernel reads rows of D floats: four at a time where D allows, which shares one bounds check among them, else singly. */
export interface Cells {
  /** WGSL type of a cell, spelt as `parseProgram` reads it. */
  type: 'vec4<f32>' | 'f32';
  /** Cells in a row. */
  count: number;
}

export function cellsOf(D: number): Cells {
  return D % 4 === 0 ? { type: 'vec4<f32>', count: D / 4 } : { type: 'f32', count: D };
}

/** WGSL: `Cell`, `CELLS` in a row of D, and `total(cell)`, the sum of its floats. */
export function cellWgsl(D: number): string {
  const { type, count } = cellsOf(D);
  const sum = type === 'f32' ? 'cell' : '(cell.x + cell.y) + (cell.z + cell.w)';
  return `
alias Cell = ${type};
const CELLS = ${count}u;
fn total(cell: Cell) -> f32 { return ${sum}; }
`;
}
