/** WebDataset's convention: files of an archive that share their name up to its first dot are one sample. */
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
  /** As the archive says it: more is never read. */
  readonly byteLength: number;
  /** Throws UnusableRow when this entry alone cannot be read. To be asked before the next entry is. */
  readonly bytes: () => Promise<Uint8Array>;
}

/** Folders, and what systems add of their own. */
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
  #entryCount = 0;
  #problem: UnusableRow | undefined;

  constructor(key: string) {
    this.key = key;
  }

  async add(extension: string, entry: ArchiveEntry): Promise<void> {
    if (this.#problem !== undefined) return;
    try {
      this.#check(extension, entry);
      const bytes = await entry.bytes();
      if (extension !== 'json') this.#values[extension] = bytes;
      else this.#values = { ...this.#values, ...parseRow(bytes) };
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
    if (++this.#entryCount > entryCountMax) refuse(`more than ${entryCountMax} files in one sample`);
    if (Object.hasOwn(this.#values, extension)) refuse(`a second .${extension} in one sample`);
  }
}

/** Samples in the order of their first entries; entries of a sample stand beside each other. */
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
