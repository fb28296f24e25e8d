/** Which files the user means, and which reader reads each: by extension, and by the first bytes where that is open. */
import { MtrlError } from '../../../../core/errors.ts';
import type { ReaderName } from '../../../../recipes/fields/dataset-fields.ts';
import { filesNamed } from '../../sources/glob.ts';
import { readBytes, type SourceFile, type SourceFiles } from '../../sources/source-files.ts';
import { isPictureName } from './value-shape.ts';

export interface DataSource {
  readonly reader: ReaderName;
  /** A file, or the folder of the reader `folder`. */
  readonly path: string;
}

const readerOfExtension: Readonly<Record<string, ReaderName>> = {
  ...{ jsonl: 'jsonl', ndjson: 'jsonl', json: 'json', csv: 'csv', tsv: 'csv', parquet: 'parquet' },
  ...{ tar: 'tar', tgz: 'tar', zip: 'zip' },
};

const allowed = 'JSON Lines, JSON, CSV or TSV, parquet, tar or zip (WebDataset), or a folder of pictures';
const listedFileMax = 100_000;
const dataFileMax = 200;
const headByteLength = 4096;

/** Throws FILE_MISSING, DATASET_EMPTY and FILE_UNREADABLE, naming the place. */
export async function sourcesAt(files: SourceFiles, place: string): Promise<DataSource[]> {
  const kind = await files.kindOf(place);
  if (kind === 'folder') return sourcesInFolder(files, place);
  if (kind === 'nothing' && !/[*?{]/.test(place))
    throw new MtrlError('FILE_MISSING', 'there is no such file or folder', { where: place, hint: `name ${allowed}` });
  const found: DataSource[] = [];
  for await (const file of filesNamed(files, place)) found.push(await sourceOf(file));
  return found;
}

/** The data files of a folder; without any, the folder itself as one of pictures. */
async function sourcesInFolder(files: SourceFiles, folder: string): Promise<DataSource[]> {
  const data: SourceFile[] = [];
  let [pictureCount, fileCount] = [0, 0];
  for await (const file of files.list(folder)) {
    const inside = file.name.slice(folder.length);
    if (inside.split('/').some((part) => part.startsWith('.'))) continue;
    if (readerNamed(file.name) !== undefined && file.byteLength > 0) data.push(file);
    else if (isPictureName(file.name)) pictureCount++;
    if (++fileCount >= listedFileMax) break;
  }
  if (data.length > dataFileMax)
    throw unusable(folder, `${data.length} data files`, `name at most ${dataFileMax} of them, or a pattern in quotes`);
  if (data.length > 0) return Promise.all(data.map(sourceOf));
  if (pictureCount > 0) return [{ reader: 'folder', path: folder }];
  throw new MtrlError('DATASET_EMPTY', 'the folder holds neither data files nor pictures', {
    where: folder,
    found: `${fileCount} files`,
    hint: `name ${allowed}`,
  });
}

/** Compressed files have two extensions; the reader unpacks them. */
function readerNamed(name: string): ReaderName | undefined {
  const [, extension = ''] = /\.([a-z]+)$/i.exec(name.replace(/\.(gz|zst|bz2|xz)$/i, '')) ?? [];
  return readerOfExtension[extension.toLowerCase()];
}

async function sourceOf(file: SourceFile): Promise<DataSource> {
  if (file.byteLength === 0)
    throw new MtrlError('DATASET_EMPTY', 'the file is empty', { where: file.name, found: '0 bytes' });
  const head = await readBytes(file, 0, Math.min(headByteLength, file.byteLength));
  const named = readerNamed(file.name);
  const found = readerOfBytes(head);
  const reader =
    named === 'json' && found === 'jsonl' ? found : named === 'jsonl' && isList(head) ? 'json' : (named ?? found);
  if (reader !== undefined) return { reader, path: file.name };
  const isText = !head.includes(0);
  throw unusable(file.name, isText ? 'text of no known format' : 'binary content', `give ${allowed}`);
}

const textOf = (head: Uint8Array): string => new TextDecoder().decode(head).trimStart();

/** Whether a file begins as a JSON array does. */
const isList = (head: Uint8Array): boolean => textOf(head).startsWith('[');

function unusable(where: string, found: string, hint: string): MtrlError {
  return new MtrlError('FILE_UNREADABLE', 'no reader reads this', { where, found, hint });
}

/** The reader for a file that begins like this; undefined if none does. */
function readerOfBytes(head: Uint8Array): ReaderName | undefined {
  const start = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  if (start.subarray(0, 4).toString('latin1') === 'PAR1') return 'parquet';
  if (start.subarray(0, 4).toString('latin1') === 'PK\u0003\u0004') return 'zip';
  if (start.subarray(257, 262).toString('latin1') === 'ustar') return 'tar';
  if (start.includes(0)) return undefined;
  const text = textOf(head);
  if (text.startsWith('[')) return 'json';
  if (text.startsWith('{')) return isJsonLines(text) ? 'jsonl' : 'json';
  const [first = '', second = ''] = text.split(/\r?\n/);
  return [',', '\t'].some((mark) => first.includes(mark) && second.includes(mark)) ? 'csv' : undefined;
}

/** Whether the first line is a JSON object, and not one whose members are the rows. */
function isJsonLines(text: string): boolean {
  const [line = '', ...others] = text.split('\n');
  if (others.length === 0 && text.length >= headByteLength - 1) return true;
  try {
    const members = Object.values(JSON.parse(line) as object);
    return others.some((other) => other.trim() !== '') || members.some((member) => typeof member !== 'object');
  } catch {
    return false;
  }
}
