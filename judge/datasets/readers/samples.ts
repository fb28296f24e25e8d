/** WebDataset's convention: files of an archive that share their name up to the first dot form one sample. */
import { posix } from 'node:path';
import { parseRow } from '../rows/jsonl-row.ts';
import { UnusableRow } from '../reading.ts';
import { placeInside } from '../sources/source-files.ts';
import { keyField, type RowOrBroken, valuesText } from './row.ts';

/** Larger files of an archive are not read. */
const entryByteLengthMax = 64 * 1024 * 1024;
const entryCountMax = 64;

export interface ArchiveEntry {
  readonly name: string;
  /** Length that the archive declares; no more is ever read. */
  readonly byteLength: number;
  /**
   * Reads the entry; to be called before the next entry is requested. UnusableRow if this entry alone cannot be read.
   */
  readonly bytes: () => Promise<Uint8Array>;
}

/** Whether the entry is a folder, a hidden file or an operating system's own file. */
function isNoPart(name: string): boolean {
  return (
    name.endsWith('/') ||
    name.split('/').some((part) => (part.startsWith('.') && !/^\.+$/.test(part)) || part === '__MACOSX')
  );
}

function splitName(name: string): { readonly key: string; readonly extension: string } {
  const base = posix.basename(name);
  const dot = base.indexOf('.');
  const stem = dot < 0 ? base : base.slice(0, dot);
  const folder = name.slice(0, name.length - base.length).replace(/^(\.\/)+/, '');
  return { key: folder + stem, extension: dot < 0 ? '' : base.slice(dot + 1).toLowerCase() };
}

class Sample {
  readonly key: string;
  #values: Record<string, unknown> = {};
  readonly #extensions = new Set<string>();
  #problem: UnusableRow | undefined;

  constructor(key: string) {
    this.key = key;
  }

  async add(extension: string, entry: ArchiveEntry): Promise<void> {
    if (this.#problem !== undefined) return;
    try {
      this.#check(extension, entry);
      const bytes = await entry.bytes();
      this.#add(extension === 'json' ? parseRow(bytes) : { [extension]: bytes });
    } catch (error) {
      if (!(error instanceof UnusableRow)) throw error;
      this.#problem = new UnusableRow(error.code, `${entry.name.slice(0, 100)}: ${error.message}`);
      this.#values = {};
    }
  }

  row(source: string, row: number): RowOrBroken {
    if (this.#problem !== undefined) return { source, row, text: () => this.key, problem: this.#problem };
    const values = { [keyField]: this.key, ...this.#values };
    return { source, row, values, text: () => valuesText(values) };
  }

  #check(extension: string, { name, byteLength }: ArchiveEntry): void {
    const refuse = (reason: string): never => {
      throw new UnusableRow('ROW_UNREADABLE', reason);
    };
    if (placeInside('', name) === undefined) refuse('the path leaves the archive');
    if (byteLength > entryByteLengthMax) refuse(`${byteLength} bytes, more than ${entryByteLengthMax}`);
    if (this.#extensions.size >= entryCountMax) refuse(`more than ${entryCountMax} files in one sample`);
    if (this.#extensions.has(extension)) refuse(`a second .${extension} in one sample`);
    this.#extensions.add(extension);
  }

  #add(values: Readonly<Record<string, unknown>>): void {
    const both = Object.keys(values).find((name) => Object.hasOwn(this.#values, name));
    if (both !== undefined)
      throw new UnusableRow('ROW_UNREADABLE', `a file .${both} and a field of the same name in the .json`);
    Object.assign(this.#values, values);
  }
}

/** Samples in the order of their first entries; the entries of a sample must be adjacent. */
export async function* samplesOf(source: string, entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<RowOrBroken> {
  let sample: Sample | undefined;
  let row = 0;
  for await (const entry of entries) {
    if (isNoPart(entry.name)) continue;
    const { key, extension } = splitName(entry.name);
    if (sample !== undefined && sample.key !== key) yield sample.row(source, ++row);
    if (sample?.key !== key) sample = new Sample(key);
    await sample.add(extension, entry);
  }
  if (sample !== undefined) yield sample.row(source, row + 1);
}
