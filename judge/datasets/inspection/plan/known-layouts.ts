/** Shipped adapters (recipes/adapters) whose columns the tables have. */
import { posix } from 'node:path';
import type { RecipeInput } from '../../../../recipes/recipe.ts';
import { matchesGlob } from '../../sources/glob.ts';
import type { TableFacts } from '../facts/table-facts.ts';

export interface Adapter {
  /** Its file name. */
  readonly name: string;
  readonly datasets: RecipeInput['datasets'];
}

export interface KnownLayout {
  readonly adapter: string;
  /** Base folder under which all files of the adapter are among the given ones; undefined if some are not. */
  readonly dataFolder: string | undefined;
  /** The tables whose files it reads. */
  readonly tables: readonly TableFacts[];
}

type RowsInput = Extract<RecipeInput['datasets'][number], { readonly path: string }>;

/** Fewer columns say too little: many tables have an image, a text and a label. */
const telltaleColumnMin = 4;

/** Adapters of which a table has every column that they name; those whose files are all given come first. */
export function knownLayouts(adapters: readonly Adapter[], tables: readonly TableFacts[]): KnownLayout[] {
  const found = adapters.flatMap((adapter): KnownLayout[] => {
    const datasets = adapter.datasets.filter((each): each is RowsInput => 'path' in each);
    const fitting = tables.filter((table) => datasets.some((dataset) => hasColumns(table, dataset)));
    if (fitting.length === 0) return [];
    const dataFolder = commonFolder(datasets, fitting);
    const isTelltale = datasets.some((dataset) => columnsOf(dataset).length >= telltaleColumnMin);
    return dataFolder !== undefined || isTelltale ? [{ adapter: adapter.name, dataFolder, tables: fitting }] : [];
  });
  return found.sort((a, b) => Number(b.dataFolder !== undefined) - Number(a.dataFolder !== undefined));
}

/** Columns that the dataset reads; those that a ranking makes are not in the file. */
function columnsOf({ fields, ranking }: RowsInput): string[] {
  const { images = ['image'], candidates = [], label = 'label', prompt = [], group, id = 'id' } = fields;
  const made = ranking === undefined ? [] : ['image', 'rank', 'standing', 'image_0', 'image_1', 'rank_0', 'rank_1'];
  const labels = typeof label === 'string' ? [label] : 'always' in label ? [] : Object.values(label).flatMap(textsIn);
  const named = [...images, ...textsIn(candidates), ...labels, ...prompt, id, ...(group === undefined ? [] : [group])];
  const all = [...named, ...(ranking === undefined ? [] : [ranking.images, ranking.ranks])];
  return [...new Set(all)].filter((name) => !made.includes(name) && name !== '__key__');
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function hasColumns({ columns, sources }: TableFacts, dataset: RowsInput): boolean {
  const names = new Set(columns.map(({ name }) => name));
  return sources[0]?.reader === dataset.reader && columnsOf(dataset).every((name) => names.has(name));
}

/** The folder that each dataset's path leads from to one of the given files at least. */
function commonFolder(datasets: readonly RowsInput[], tables: readonly TableFacts[]): string | undefined {
  const given = tables.flatMap(({ sources }) => sources.map(({ path }) => path));
  const [first] = datasets;
  if (first === undefined) return undefined;
  const depth = first.path.split('/').length;
  const folders = given.map((path) => path.split('/').slice(0, -depth).join('/'));
  const reads = (folder: string, { path }: RowsInput): boolean =>
    given.some((file) => matchesGlob(posix.join(folder, path), file));
  return folders.find((folder) => {
    const isRead = (file: string): boolean => datasets.some(({ path }) => matchesGlob(posix.join(folder, path), file));
    return datasets.every((dataset) => reads(folder, dataset)) && given.every(isRead);
  });
}
