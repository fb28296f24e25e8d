/** Reads rows of the same columns once and collects what is known of them. */
import { MtrlError } from '../../../../core/errors.ts';
import type { ReaderName } from '../../../../recipes/fields/dataset-fields.ts';
import type { RowsSpec } from '../../../../recipes/recipe.ts';
import { keyField, type RowOrBroken } from '../../readers/row.ts';
import { readers } from '../../readers/table.ts';
import type { Row } from '../../rows/jsonl-row.ts';
import type { SourceFiles } from '../../sources/source-files.ts';
import { ColumnCollector, type ColumnFacts } from './column-facts.ts';
import type { DataSource } from './data-source.ts';
import { PictureLinks } from './picture-links.ts';
import { PictureSizes } from './picture-sizes.ts';
import { RowDigests } from './row-digests.ts';
import { RowSample } from './row-sample.ts';
import { seriesOf } from '../plan/split-words.ts';
import { pictureBytes, pictureNamesIn, shapeOf } from './value-shape.ts';

export const columnCountMax = 300;
const memberDepthMax = 2;
const peekedRowCount = 20;
const shownReasonCount = 3;

export interface ReadSource extends DataSource {
  /** Rows of the file, readable or not. */
  readonly rowCount: number;
}

export interface TableFacts {
  readonly sources: readonly ReadSource[];
  /** Readable rows. */
  readonly rowCount: number;
  readonly unreadableCount: number;
  /** The first reasons, with their places. */
  readonly unreadable: readonly string[];
  /** In order of appearance; members of objects follow as `a.b`. */
  readonly columns: readonly ColumnFacts[];
  /** Whether there are more columns than are listed. */
  readonly areColumnsCapped: boolean;
  /** Rows that repeat an earlier one, among the first `comparedCount`. */
  readonly repeatedCount: number;
  readonly comparedCount: number;
  readonly sample: readonly Row[];
  readonly links: PictureLinks;
  /** Of pictures inside the rows. */
  readonly sizes: PictureSizes;
}

/** Every column of a row is read, which a reader does for a dataset with a rationale. */
function inspectionSpec({ reader, path }: DataSource): RowsSpec {
  const fields = { id: keyField, images: [], label: '', prompt: [] };
  const shared = { task: '', split: 'test', path, fields, labelMap: {}, rationale: '{{ row }}' } as const;
  return reader === 'csv' ? { ...shared, reader, encoding: 'utf-8' } : { ...shared, reader };
}

const ignored: Partial<Record<ReaderName, readonly string[]>> = { folder: ['path'] };

const columnsOf = (values: Row, reader: ReaderName): string[] =>
  Object.keys(values).filter((name) => name !== keyField && ignored[reader]?.includes(name) !== true);

/**
 * Sources whose first rows have the same columns, in order of appearance; of files that are named by splits, those with the
 * same other words (`polarity.train` and `polarity.test`, not `agreement.train`). Throws FILE_UNREADABLE.
 */
export async function sameColumns(files: SourceFiles, sources: readonly DataSource[]): Promise<DataSource[][]> {
  const tables = new Map<string, DataSource[]>();
  for (const source of sources) {
    const names = new Set<string>();
    let seenCount = 0;
    for await (const row of readers[source.reader](files, inspectionSpec(source))) {
      if ('values' in row) for (const name of columnsOf(row.values, source.reader)) names.add(name);
      if (++seenCount >= peekedRowCount) break;
    }
    const key = JSON.stringify([source.reader, seriesOf(source.path), ...[...names].sort()]);
    tables.set(key, [...(tables.get(key) ?? []), source]);
  }
  return [...tables.values()];
}

class TableCollector {
  readonly #columns = new Map<string, ColumnCollector>();
  readonly #digests = new RowDigests();
  readonly #sample = new RowSample();
  readonly links = new PictureLinks();
  readonly sizes = new PictureSizes();
  #areColumnsCapped = false;
  #rowCount = 0;
  #unreadableCount = 0;
  readonly #unreadable: string[] = [];

  async add(row: RowOrBroken, reader: ReaderName): Promise<void> {
    if ('problem' in row) {
      this.#unreadableCount++;
      if (this.#unreadable.length < shownReasonCount)
        this.#unreadable.push(`${row.source} row ${row.row}: ${row.problem.message}`);
      return;
    }
    this.#rowCount++;
    this.#digests.add(row.values);
    this.#sample.add(row.values);
    const names = columnsOf(row.values, reader);
    this.links.add(names.flatMap((name) => pictureNamesIn(row.values[name])));
    for (const name of names) await this.#addValue(name, row.values[name], 0);
  }

  async #addValue(name: string, value: unknown, depth: number): Promise<void> {
    this.#column(name)?.add(value);
    const shape = shapeOf(value);
    if (shape === 'picture' && !this.sizes.isEnough) {
      const bytes = pictureBytes(value);
      if (bytes !== undefined) await this.sizes.add(bytes);
    }
    if (shape === 'list' && !this.sizes.isEnough) {
      const [bytes] = (value as readonly unknown[]).slice(0, 1).map(pictureBytes);
      if (bytes !== undefined) await this.sizes.add(bytes);
    }
    if (shape !== 'object' || depth >= memberDepthMax) return;
    for (const [member, inner] of Object.entries(value as Row))
      await this.#addValue(`${name}.${member}`, inner, depth + 1);
  }

  #column(name: string): ColumnCollector | undefined {
    const known = this.#columns.get(name);
    if (known !== undefined) return known;
    if (this.#columns.size >= columnCountMax) {
      this.#areColumnsCapped = true;
      return undefined;
    }
    const column = new ColumnCollector(name);
    this.#columns.set(name, column);
    return column;
  }

  facts(sources: readonly ReadSource[]): TableFacts {
    return {
      sources,
      rowCount: this.#rowCount,
      unreadableCount: this.#unreadableCount,
      unreadable: this.#unreadable,
      columns: [...this.#columns.values()].map((column) => column.facts(this.#rowCount)),
      areColumnsCapped: this.#areColumnsCapped,
      repeatedCount: this.#digests.repeatedCount,
      comparedCount: this.#digests.comparedCount,
      sample: this.#sample.rows,
      links: this.links,
      sizes: this.sizes,
    };
  }
}

/** Throws DATASET_EMPTY without a row, FILE_UNREADABLE if no row can be read, with the first reasons. */
export async function inspectTable(files: SourceFiles, sources: readonly DataSource[]): Promise<TableFacts> {
  const collector = new TableCollector();
  const read: ReadSource[] = [];
  for (const source of sources) {
    let rowCount = 0;
    for await (const row of readers[source.reader](files, inspectionSpec(source))) {
      await collector.add(row, source.reader);
      rowCount++;
    }
    read.push({ ...source, rowCount });
  }
  const facts = collector.facts(read);
  const where = sources.map(({ path }) => path).join(', ');
  if (facts.rowCount > 0) return facts;
  if (facts.unreadableCount === 0) throw new MtrlError('DATASET_EMPTY', 'there is no row', { where });
  throw new MtrlError('FILE_UNREADABLE', `none of ${facts.unreadableCount} rows can be read`, {
    where,
    found: facts.unreadable.join('; '),
    hint: 'correct the rows, or rename the file if its extension names another format',
  });
}
