import { GsasError } from '../base/errors.js';
import type { Stream } from './stream.js';
import type { DType, Tensor } from './tensor.js';

/**
 * Rows of D numbers, possibly more than one binding holds: pages with the same number of rows (the last may have fewer), each a tensor.
 * Kernels read a table through the WGSL of `tableWgsl` and bind it through `bindings`, so a kernel does not know how many pages there are.
 */
export class Table {
  readonly rows: number;
  readonly D: number;
  readonly rowsPerPage: number;
  readonly dtype: DType;

  /** @param pages [rowsPerPage, D] each, the last with 1 to rowsPerPage rows. @throws GsasError if they do not fit together */
  constructor(readonly pages: readonly Tensor[]) {
    const [first] = pages;
    this.rowsPerPage = first.shape[0];
    this.D = first.shape[1];
    this.dtype = first.dtype;
    const last = pages.length - 1;
    const fit = pages.every(({ shape, dtype }, i) => {
      const rows = i < last ? shape[0] === this.rowsPerPage : shape[0] >= 1 && shape[0] <= this.rowsPerPage;
      return shape.length === 2 && shape[1] === this.D && rows && dtype === this.dtype;
    });
    if (!fit)
      throw new GsasError(`table: pages ${pages.map(({ shape }) => `[${shape}]`).join(', ')} do not fit together`);
    this.rows = last * this.rowsPerPage + pages[last].shape[0];
  }

  /** Uploads rows in as many pages as the adapter's largest binding requires. @param rowsPerPage fewer rows a page, for tests */
  static upload(
    stream: Stream,
    data: Float32Array,
    D: number,
    rowsPerPage = Math.floor(stream.gpu.pool.limit / (4 * D)),
  ): Table {
    const pages: Tensor[] = [];
    for (let at = 0; at < data.length; at += rowsPerPage * D) {
      const page = data.subarray(at, at + rowsPerPage * D);
      pages.push(stream.upload(page, [page.length / D, D]));
    }
    return new Table(pages);
  }

  /** [rows, D] */
  get shape(): readonly [number, number] {
    return [this.rows, this.D];
  }

  /** The only page, for code that works on a whole table. @param op the operation to name in the error. @throws GsasError if there are several pages */
  whole(op: string): Tensor {
    if (this.pages.length === 1) return this.pages[0];
    throw new GsasError(`${op}: the table of ${this.rows} rows lies in ${this.pages.length} pages; ${op} takes one`);
  }

  /** Shader constants that `tableWgsl` needs. */
  get layout(): TableLayout {
    return { pages: this.pages.length, rowsPerPage: this.pages.length > 1 ? this.rowsPerPage : 0 };
  }

  /** Arguments of a dispatch: the pages by the names that `tableWgsl` gives them. */
  bindings(name: string): Record<string, Tensor> {
    return Object.fromEntries(this.pages.map((page, i) => [pageName(name, i), page]));
  }

  /** Gives the pages back. */
  release(stream: Stream): void {
    for (const page of this.pages) stream.release(page);
  }
}

/** A table of one page, without a copy. */
export function tableOf(tensor: Tensor): Table {
  return new Table([tensor]);
}

/** What is baked into a shader about a table. One page of any size has one layout. */
export interface TableLayout {
  readonly pages: number;
  /** 0 if there is one page */
  readonly rowsPerPage: number;
}

/** Pages after the first are bound from this number on, after the kernel's own bindings. */
const FURTHER_PAGES = 16;

function pageName(name: string, page: number): string {
  return page === 0 ? name : `${name}_${page}`;
}

/**
 * WGSL: the bindings of a table, and `NAME_cell(at) -> Cell`, cell number `at` = row * cells + (cell within the row) of the whole table. Needs
 * the alias `Cell` of the type `cell`.
 * @param binding of the first page
 * @param cells the number of cells in a row, as an expression
 */
export function tableWgsl(
  name: string,
  binding: number,
  { cell, cells, layout: { pages, rowsPerPage } }: { cell: string; cells: string; layout: TableLayout },
): string {
  const page = (i: number) =>
    `@group(0) @binding(${i === 0 ? binding : FURTHER_PAGES + i}) var<storage, read> ${pageName(name, i)}: array<${cell}>; // [rows, D]`;
  const bindings = Array.from({ length: pages }, (_, i) => page(i)).join('\n');
  if (pages === 1) return `${bindings}\nfn ${name}_cell(at: u32) -> Cell { return ${name}[at]; }\n`;
  const branches = Array.from(
    { length: pages },
    (_, i) => `    case ${i === pages - 1 ? 'default' : `${i}u`}: { return ${pageName(name, i)}[at - ${i}u * page]; }`,
  );
  return `${bindings}
fn ${name}_cell(at: u32) -> Cell {
  let page = ${rowsPerPage}u * ${cells}; // cells
  switch (at / page) {
${branches.join('\n')}
  }
}
`;
}
