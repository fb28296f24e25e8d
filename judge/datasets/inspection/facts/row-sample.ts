/** A uniform sample of rows, without the bytes of their pictures, to check relations between columns on. */
import { sha256 } from '../../../../core/json.ts';
import { Rng } from '../../../../core/rng.ts';
import type { Row } from '../../rows/jsonl-row.ts';
import { PictureMark, pictureBytes } from './value-shape.ts';
import { ImageFile } from '../../readers/row.ts';

const sampledRowMax = 1000;
const textLengthMax = 4000;
const depthMax = 6;

export class RowSample {
  readonly #rng = new Rng('inspected rows');
  readonly rows: Row[] = [];
  #seenCount = 0;

  /** Every row seen so far is in the sample with the same probability. */
  add(row: Row): void {
    this.#seenCount++;
    if (this.rows.length < sampledRowMax) {
      this.rows.push(light(row, 0) as Row);
      return;
    }
    const place = this.#rng.integer(0, this.#seenCount);
    if (place < sampledRowMax) this.rows[place] = light(row, 0) as Row;
  }
}

/** A copy with marks in place of pictures, and with long texts cut. */
function light(value: unknown, depth: number): unknown {
  if (value instanceof ImageFile) return new PictureMark(sha256(value.file.name));
  const bytes = pictureBytes(value);
  if (bytes !== undefined) return new PictureMark(sha256(bytes));
  if (typeof value === 'string') return value.slice(0, textLengthMax);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || depth > depthMax) return value;
  if (Array.isArray(value)) return value.map((each) => light(each, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, light(each, depth + 1)]));
}
