/** The table of engines and checks in docs/backends.md: what the conformance suite gave on each engine. */

/** `describes itself: in its info, once a state is loaded` -> what it gave. */
export type CheckResults = ReadonlyMap<string, string>;

export interface ConformanceColumn {
  readonly title: string;
  readonly results: CheckResults;
}

/** Columns in order. `engine`: title of the suite's subject; absent for the server whose log docs/tinker.md keeps. */
export const conformanceColumns: readonly { readonly title: string; readonly engine?: string }[] = [
  { title: 'embedded, ONNX Runtime, `cpu`', engine: 'embedded, onnxruntime on cpu' },
  { title: 'embedded, ONNX Runtime, `webgpu`', engine: 'embedded, onnxruntime on webgpu' },
  { title: 'embedded, TensorFlow.js, `cpu`', engine: 'embedded, tfjs on cpu' },
  { title: "tinker, the tests' server, losses summed", engine: 'tinker, losses summed' },
  {
    title: "tinker, the tests' server, losses divided, passes compressed",
    engine: 'tinker, losses divided by sequence, passes compressed',
  },
  { title: 'tinker, SkyRL 0.4.0 (JAX, CPU)' },
];

const [begin, end] = ['<!-- conformance: begin -->', '<!-- conformance: end -->'] as const;
const notRun = 'not run here';

/** Checks in the order of the first engine that has them. */
export function conformanceTable(columns: readonly ConformanceColumn[]): string {
  const checks = [...new Set(columns.flatMap(({ results }) => [...results.keys()]))];
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    row(['check', ...columns.map(({ title }) => title)]),
    `|${' --- |'.repeat(columns.length + 1)}`,
    ...checks.map((check) => row([check, ...columns.map(({ results }) => results.get(check) ?? notRun)])),
  ].join('\n');
}

/** The page with the table in the place of the one between its marks. */
export function withTable(page: string, table: string): string {
  const [before, after] = [page.split(begin)[0], page.split(end)[1]];
  if (before === undefined || after === undefined) throw new Error(`a page without ${begin} and ${end}`);
  return `${before}${begin}\n\n${table}\n\n${end}${after}`;
}

/** Title of each column and of each row, and the cells, of the table between the marks. */
export function tableOf(page: string): ConformanceColumn[] {
  const table = page.split(begin)[1]?.split(end)[0] ?? '';
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
  const [titles = [], ...cells] = rows.map((line) => line.slice(2, -2).split(' | '));
  return titles.slice(1).map((title, column) => ({
    title,
    results: new Map(cells.map((row) => [row[0] ?? '', row[column + 1] ?? ''])),
  }));
}

/** Lines such as `passed     0.3 s  describes itself: in its info, once a state is loaded`, as in docs/tinker.md. */
export function loggedResults(page: string): CheckResults {
  const lines = page.matchAll(/^(passed|failed) +[\d.]+ s {2}([^:\n]+: .+)$/gm);
  return new Map([...lines].map(([, state = '', check = '']) => [check, state]));
}
