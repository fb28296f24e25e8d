/**
 * A long list of JSON values in shards, read by row. A reader fetches only the rows that it needs, and one column of 4
 * bytes per row of the table. Each row has a checksum, so that a part of a shard can be verified.
 */
import { assert, required } from '../../core/assert.ts';
import type { ByteCache } from '../../core/byte-cache.ts';
import { MtrlError } from '../../core/errors.ts';
import { canonicalJson, sha256 } from '../../core/json.ts';
import { Uint32Column } from '../../core/uint32-column.ts';
import pMap from 'p-map';
import { asJson } from './json-value.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import type { ArtifactRef } from '../ref.ts';

/** The index of a table, stored as JSON. */
export interface RowTable {
  readonly rowCount: number;
  /** In row order. */
  readonly shards: readonly RowShard[];
  /** uint32, little-endian, one per row: the end offset of the row in its shard, in bytes. */
  readonly ends: ArtifactRef;
}

export interface RowShard {
  /** JSON Lines of {check, row}. */
  readonly lines: ArtifactRef;
  readonly firstRow: number;
  readonly rowCount: number;
}

/** Source of the bytes: a store, or a cache in front of it. */
export interface RowSource {
  getBytes(ref: ArtifactRef): Promise<Uint8Array>;
  getRange(ref: ArtifactRef, offset: number, byteLength: number): Promise<Uint8Array>;
  /** Cache of recently read rows, if the source has one. */
  readonly rows?: ByteCache<unknown>;
}

/** A shard ends with the row that reaches one of these. */
const shardRowCountMax = 4_096;
const shardByteLengthMin = 1 << 20;

/** Rows at most this many bytes apart are fetched in one request, up to its maximum length. */
const gapByteLengthMax = 16 << 10;
const requestByteLengthMax = 4 << 20;
const requestCountMax = 16;

const head = '{"check":"';
const middle = '","row":';
const checkLength = 16;
const rowOffset = head.length + checkLength + middle.length;
/** `}` and the newline. */
const tailLength = 2;

const checkOf = (json: string | Uint8Array): string => sha256(json).slice(0, checkLength);

/** Writes a table; holds one shard in memory. */
export class RowTableWriter {
  readonly #store: ArtifactStore;
  readonly #shards: RowShard[] = [];
  #lines: string[] = [];
  #byteLength = 0;
  readonly #ends = new Uint32Column();

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  /** Adds a row of plain JSON; its index is the number of rows added before it. */
  async add(row: unknown): Promise<void> {
    const json = canonicalJson(asJson(row));
    const line = `${head}${checkOf(json)}${middle}${json}}\n`;
    this.#lines.push(line);
    this.#byteLength += Buffer.byteLength(line);
    this.#ends.push(this.#byteLength);
    if (this.#lines.length >= shardRowCountMax || this.#byteLength >= shardByteLengthMin) await this.#flush();
  }

  async finish(): Promise<RowTable> {
    if (this.#lines.length > 0) await this.#flush();
    const ends = await this.#store.putBytes(bytesOf(this.#ends.values), { keep: false });
    return { rowCount: this.#ends.length, shards: this.#shards, ends };
  }

  async #flush(): Promise<void> {
    const rowCount = this.#lines.length;
    const bytes = Buffer.from(this.#lines.join(''));
    const firstRow = this.#ends.length - rowCount;
    this.#lines = [];
    this.#byteLength = 0;
    this.#shards.push({ lines: await this.#store.putBytes(bytes, { keep: false }), firstRow, rowCount });
  }
}

/** Bytes [start, end) of a shard, and the requested rows in them. */
interface Request {
  readonly shard: RowShard;
  readonly start: number;
  end: number;
  readonly rows: number[];
}

/**
 * Reads the values of rows, in the requested order; `T` is not checked. Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT, and
 * INVARIANT for a row that the table does not have.
 */
export async function rowsAt<T>(source: RowSource, table: RowTable, rows: ArrayLike<number>): Promise<T[]> {
  const wanted = Array.from(rows);
  const found = new Map<number, unknown>();
  const missing: number[] = [];
  for (const row of new Set(wanted)) {
    assert(Number.isInteger(row) && row >= 0 && row < table.rowCount, `row ${row} of ${table.rowCount}`);
    const known = source.rows?.get(keyOf(shardOf(table, row), row));
    if (known === undefined) missing.push(row);
    else found.set(row, known);
  }
  if (missing.length > 0) {
    const ends = columnOf(await source.getBytes(table.ends));
    const requests = requestsFor(table, ends, missing);
    const read = await pMap(requests, (request) => fetchRows(source, request, ends), { concurrency: requestCountMax });
    for (const [row, value] of read.flat()) found.set(row, value);
  }
  return wanted.map((row) => required(found.get(row), `row ${row}`) as T);
}

async function fetchRows(
  source: RowSource,
  { shard, start, end, rows }: Request,
  ends: Uint32Array,
): Promise<(readonly [number, unknown])[]> {
  const part = await source.getRange(shard.lines, start, end - start);
  let whole: Uint8Array | undefined;
  const found: (readonly [number, unknown])[] = [];
  for (const row of rows) {
    const [from, to] = boundsOf(shard, ends, row);
    let json = provenRow(part.subarray(from - start, to - start));
    if (json === undefined) {
      // The digest of the whole shard decides whether the read or the object is bad.
      whole ??= await source.getBytes(shard.lines);
      json = provenRow(whole.subarray(from, to));
    }
    if (json === undefined) throw corruptRow(shard, row);
    const value = JSON.parse(new TextDecoder().decode(json)) as unknown;
    source.rows?.set(keyOf(shard, row), value, json.byteLength);
    found.push([row, value]);
  }
  return found;
}

/** The row's JSON; undefined if the line differs from what was written. */
function provenRow(line: Uint8Array): Uint8Array | undefined {
  if (line.byteLength < rowOffset + tailLength) return undefined;
  const json = line.subarray(rowOffset, line.byteLength - tailLength);
  const said = Buffer.from(line.buffer, line.byteOffset + head.length, checkLength).toString('latin1');
  return checkOf(json) === said ? json : undefined;
}

function requestsFor(table: RowTable, ends: Uint32Array, rows: readonly number[]): Request[] {
  const requests: Request[] = [];
  for (const row of [...rows].sort((a, b) => a - b)) {
    const shard = shardOf(table, row);
    const [start, end] = boundsOf(shard, ends, row);
    const last = requests.at(-1);
    const isNear = last?.shard === shard && start - last.end <= gapByteLengthMax;
    if (last !== undefined && isNear && end - last.start <= requestByteLengthMax) {
      last.end = end;
      last.rows.push(row);
    } else requests.push({ shard, start, end, rows: [row] });
  }
  return requests;
}

/** The last shard that starts at or before the row. */
function shardOf({ shards }: RowTable, row: number): RowShard {
  let [low, high] = [0, shards.length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((shards[middle]?.firstRow ?? Infinity) <= row) low = middle;
    else high = middle;
  }
  return required(shards[low], `the shard of row ${row}`);
}

function boundsOf({ firstRow }: RowShard, ends: Uint32Array, row: number): readonly [number, number] {
  return [row === firstRow ? 0 : (ends[row - 1] ?? 0), ends[row] ?? 0];
}

function keyOf({ lines, firstRow }: RowShard, row: number): string {
  return `${lines.sha256}/${row - firstRow}`;
}

function corruptRow({ lines }: RowShard, row: number): MtrlError {
  return new MtrlError('ARTIFACT_CORRUPT', 'a row differs from what was written', {
    where: lines.uri,
    found: `the checksum of row ${row} does not match`,
    hint: 'restore the object from a copy, or delete it and run again to recompute it',
  });
}

/** Assumes a little-endian host, on which a typed array has the bytes of the format. */
function bytesOf(column: Uint32Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

function columnOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}
