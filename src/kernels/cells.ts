/** What a kernel loads at a time. */
export interface Cell {
  /** Floats in it. */
  size: 4 | 1;
  /** Its WGSL type, spelt as `parseProgram` reads it. */
  type: 'vec4<f32>' | 'f32';
}

/** A row of cells. */
export interface Cells extends Cell {
  count: number;
}

/** How a kernel reads a row of D floats: four at a time if D allows, with one bounds check, else one at a time. */
export function cellsOf(D: number): Cells {
  return D % 4 === 0 ? { size: 4, type: 'vec4<f32>', count: D / 4 } : { size: 1, type: 'f32', count: D };
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
