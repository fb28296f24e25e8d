/**
 * The safetensors format: 8 bytes of header length (little-endian), a JSON header, then the tensors without gaps. The
 * bytes are a function of the tensors alone, and equal to those of the Python library: wide dtypes first (so that every
 * tensor is aligned), names sorted within a dtype, header padded with spaces to a multiple of 8. Format:
 * https://huggingface.co/docs/safetensors
 */
import { MtrlError } from '../../core/errors.ts';
import { isRecord, parseJsonBytes } from './json-value.ts';

/** Bytes per element; in the order in which the Python library lays out the dtypes. */
const byteLengthOfDtype = { I64: 8, F64: 8, F32: 4, I32: 4, BF16: 2, F16: 2, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;
export type Dtype = keyof typeof byteLengthOfDtype;
const dtypes = Object.keys(byteLengthOfDtype) as Dtype[];

export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Row-major, little-endian. */
  readonly data: Uint8Array;
}

export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Bytes [begin, end) after the header. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly entries: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Offset of the tensors' bytes in the file. */
  readonly dataOffset: number;
}

/** Limit of the Python library; a longer header is malicious or corrupt. */
const headerByteLengthMax = 100_000_000;
export const lengthByteLength = 8;

/** Sorts the tensors into file order. */
export function layoutOrder<T extends Pick<Tensor, 'dtype'>>(tensors: ReadonlyMap<string, T>): [string, T][] {
  return [...tensors].sort(
    ([a, { dtype: da }], [b, { dtype: db }]) => dtypes.indexOf(da) - dtypes.indexOf(db) || (a < b ? -1 : 1),
  );
}

export function tensorByteLength(dtype: Dtype, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, byteLengthOfDtype[dtype]);
}

/** Throws CHECKPOINT_INVALID if a tensor's bytes do not match its shape. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const ordered = layoutOrder(tensors);
  const header = encodeHeader(ordered, metadata);
  let at = header.byteLength;
  const bytes = new Uint8Array(at + ordered.reduce((sum, [, { data }]) => sum + data.byteLength, 0));
  bytes.set(header);
  for (const [name, tensor] of ordered) {
    requireBytes(name, tensor, tensor.data);
    bytes.set(tensor.data, at);
    at += tensor.data.byteLength;
  }
  return bytes;
}

/**
 * All bytes of a file before those of its tensors.
 * @param ordered in file order
 */
export function encodeHeader(
  ordered: readonly (readonly [string, Omit<Tensor, 'data'>])[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const text = new TextEncoder().encode(headerText(ordered, metadata));
  const paddedLength = Math.ceil(text.byteLength / 8) * 8;
  const bytes = new Uint8Array(lengthByteLength + paddedLength).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(paddedLength), true);
  bytes.set(text, lengthByteLength);
  return bytes;
}

/** Throws CHECKPOINT_INVALID if the bytes are not as many as the shape needs. */
export function requireBytes(name: string, { dtype, shape }: Omit<Tensor, 'data'>, data: Uint8Array): void {
  const byteLength = tensorByteLength(dtype, shape);
  if (data.byteLength === byteLength) return;
  const found = `${String(data.byteLength)} bytes for ${dtype} [${shape.join(', ')}]`;
  throw invalidTensor(name, found, `${String(byteLength)} bytes`);
}

/** Serializes member by member, because a JavaScript object would move integer-like names to the front. */
function headerText(
  ordered: readonly (readonly [string, Omit<Tensor, 'data'>])[],
  metadata: Readonly<Record<string, string>>,
): string {
  const members: string[] = [];
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) {
    members.push(
      `"__metadata__":{${keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`).join(',')}}`,
    );
  }
  let begin = 0;
  for (const [name, { dtype, shape }] of ordered) {
    if (name === '__metadata__') throw invalidTensor(name, 'this name', 'any other name');
    const end = begin + tensorByteLength(dtype, shape);
    members.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
    begin = end;
  }
  return `{${members.join(',')}}`;
}

/** Decodes a file into tensors that are views into its bytes. Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED. */
export function decodeSafetensors(
  bytes: Uint8Array,
  where = 'safetensors',
): { tensors: Map<string, Tensor>; metadata: Readonly<Record<string, string>> } {
  const headerByteLength = readHeaderLength(bytes, bytes.byteLength, where);
  const dataOffset = lengthByteLength + headerByteLength;
  const { entries, metadata } = readHeader(bytes.subarray(lengthByteLength, dataOffset), bytes.byteLength, where);
  const tensors = entries.map(({ name, dtype, shape, begin, end }): [string, Tensor] => [
    name,
    { dtype, shape, data: bytes.subarray(dataOffset + begin, dataOffset + end) },
  ]);
  return { tensors: new Map(tensors), metadata };
}

/** Reads the header length from the file's first 8 bytes. Throws CHECKPOINT_INVALID. */
export function readHeaderLength(start: Uint8Array, fileByteLength: number, where: string): number {
  const length =
    start.byteLength < lengthByteLength
      ? NaN
      : Number(new DataView(start.buffer, start.byteOffset, lengthByteLength).getBigUint64(0, true));
  if (length <= Math.min(headerByteLengthMax, fileByteLength - lengthByteLength)) return length;
  throw new MtrlError('CHECKPOINT_INVALID', 'the file is not a safetensors file, or is truncated', {
    where,
    found: `a file of ${String(fileByteLength)} bytes that claims a header of ${String(length)}`,
  });
}

/**
 * Parses and validates the header: known dtypes, sizes that match the shapes, tensors that fill the file without gaps.
 * Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED.
 */
export function readHeader(header: Uint8Array, fileByteLength: number, where: string): SafetensorsHeader {
  const value = parseJsonBytes(header);
  if (!isRecord(value)) throw new MtrlError('CHECKPOINT_INVALID', 'the safetensors header is not JSON', { where });
  const { __metadata__: metadata = {}, ...members } = value;
  if (!isRecord(metadata) || !Object.values(metadata).every((text) => typeof text === 'string')) {
    throw invalidTensor('__metadata__', JSON.stringify(metadata), 'an object of strings', where);
  }
  const entries = Object.entries(members).map(([name, member]) => readEntry(name, member, where));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end)
      throw invalidTensor(
        entry.name,
        `bytes from ${String(entry.begin)}`,
        `bytes from ${String(end)}: no gaps, no overlaps`,
        where,
      );
    end = entry.end;
  }
  const dataOffset = lengthByteLength + header.byteLength;
  if (dataOffset + end !== fileByteLength) {
    throw new MtrlError('CHECKPOINT_INVALID', 'the safetensors file is truncated or has extra bytes', {
      where,
      found: `${String(fileByteLength)} bytes, but the header declares ${String(dataOffset + end)}; the last tensor is ${entries.at(-1)?.name ?? 'none'}`,
    });
  }
  return { entries, metadata: metadata as Record<string, string>, dataOffset };
}

function readEntry(name: string, member: unknown, where: string): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = isRecord(member) ? member : {};
  if (typeof dtype === 'string' && !isDtype(dtype)) {
    throw new MtrlError('CHECKPOINT_UNSUPPORTED', `tensor ${name} has a type that is not supported`, {
      where,
      found: dtype,
      hint: `convert it to one of ${dtypes.join(', ')}`,
    });
  }
  if (typeof dtype !== 'string' || !isDtype(dtype) || !isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    throw invalidTensor(name, JSON.stringify(member), '{dtype, shape, data_offsets: [begin, end]}', where);
  }
  const [begin = 0, end = 0] = offsets;
  const byteLength = tensorByteLength(dtype, shape);
  if (end - begin !== byteLength) {
    throw invalidTensor(
      name,
      `${String(end - begin)} bytes`,
      `${String(byteLength)} for ${dtype} [${shape.join(', ')}]`,
      where,
    );
  }
  return { name, dtype, shape, begin, end };
}

function isDtype(text: string): text is Dtype {
  return Object.hasOwn(byteLengthOfDtype, text);
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

function invalidTensor(name: string, found: string, allowed: string, where = 'safetensors'): MtrlError {
  return new MtrlError('CHECKPOINT_INVALID', `tensor ${name} is malformed`, {
    where,
    found,
    hint: `it must have ${allowed}`,
  });
}
