/** What is known of a column once all rows are read. Memory does not grow with the rows beyond the limits below. */
import { createHash } from 'node:crypto';
import { DigestTable } from '../../../../core/digest-table.ts';
import { type Shape, shapeOf } from './value-shape.ts';

/** Values of a column whose rows are counted, and the longest of them. */
const countedValueMax = 1000;
const countedLengthMax = 100;
/** Different values that are told apart. */
const distinctCountMax = 100_000;
const listElementMax = 64;

export interface ColumnFacts {
  /** As a recipe names it: members of objects as `a.b`. */
  readonly name: string;
  /** The shape of most values; `missing` if there is none. */
  readonly shape: Shape;
  /** Rows with a value, and rows where it is absent, null or empty. */
  readonly presentCount: number;
  readonly missingCount: number;
  /** Number of values by shape. */
  readonly shapes: Readonly<Partial<Record<Shape, number>>>;
  /** Rows by value, the commonest first; undefined if there are too many values or long ones. */
  readonly values: ReadonlyMap<string, number> | undefined;
  /** Different values; `isDistinctCapped` if there are more. Of lists, objects and bytes: 0. */
  readonly distinctCount: number;
  readonly isDistinctCapped: boolean;
  /** Whether rows of the same value follow each other; false if that is not known. */
  readonly areEqualAdjacent: boolean;
  /** Of values that are numbers. */
  readonly numbers: NumberRange | undefined;
  /** Mean number of characters of texts. */
  readonly meanLength: number;
  /** Of lists: least and greatest number of elements, the commonest number, and the shape of most elements. */
  readonly list: ListFacts | undefined;
  /** Whether a text contains the mark `<image>`. */
  readonly hasImageMark: boolean;
}

export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
}

export interface ListFacts {
  readonly lengthMin: number;
  readonly lengthMax: number;
  readonly lengthUsual: number;
  readonly elementShape: Shape;
  readonly numbers: NumberRange | undefined;
  /** Different elements that are texts or numbers, while there are few. */
  readonly elements: readonly string[] | undefined;
}

/** Text of a value that may be a label. */
export function valueText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

class RangeCollector {
  #range: NumberRange | undefined;

  add(value: unknown): void {
    const number = Number(value);
    const { min, max, isWhole } = this.#range ?? { min: number, max: number, isWhole: true };
    this.#range = {
      min: Math.min(min, number),
      max: Math.max(max, number),
      isWhole: isWhole && Number.isInteger(number),
    };
  }

  get range(): NumberRange | undefined {
    return this.#range;
  }
}

class ListCollector {
  readonly #lengths = new Map<number, number>();
  readonly #shapes = new Map<Shape, number>();
  readonly #range = new RangeCollector();
  #elements: Set<string> | undefined = new Set();

  add(list: readonly unknown[]): void {
    this.#lengths.set(list.length, (this.#lengths.get(list.length) ?? 0) + 1);
    for (const element of list.slice(0, listElementMax)) {
      const shape = shapeOf(element);
      this.#shapes.set(shape, (this.#shapes.get(shape) ?? 0) + 1);
      if (shape === 'number') this.#range.add(element);
      const text = valueText(element);
      if (text === undefined || text.length > countedLengthMax) this.#elements = undefined;
      else this.#elements?.add(text);
      if ((this.#elements?.size ?? 0) > countedValueMax) this.#elements = undefined;
    }
  }

  get facts(): ListFacts {
    const lengths = [...this.#lengths.keys()];
    return {
      lengthMin: Math.min(...lengths),
      lengthMax: Math.max(...lengths),
      lengthUsual: commonest(this.#lengths) ?? 0,
      elementShape: commonest(this.#shapes) ?? 'missing',
      numbers: this.#range.range,
      elements: this.#elements && [...this.#elements].sort(),
    };
  }
}

function commonest<K>(counts: ReadonlyMap<K, number>): K | undefined {
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

export class ColumnCollector {
  readonly #name: string;
  readonly #shapes = new Map<Shape, number>();
  #values: Map<string, number> | undefined = new Map();
  readonly #distinct = new DigestTable(8);
  readonly #range = new RangeCollector();
  #list: ListCollector | undefined;
  #textCount = 0;
  #textLength = 0;
  /** Times that a value is another than that of the row before. */
  #changeCount = 0;
  #lastText: string | undefined;
  #hasImageMark = false;

  constructor(name: string) {
    this.#name = name;
  }

  add(value: unknown): void {
    const shape = shapeOf(value);
    this.#shapes.set(shape, (this.#shapes.get(shape) ?? 0) + 1);
    if (shape === 'number') this.#range.add(value);
    if (Array.isArray(value)) (this.#list ??= new ListCollector()).add(value);
    const text = shape === 'missing' ? undefined : valueText(value);
    if (text !== undefined) this.#addText(text);
  }

  #addText(text: string): void {
    this.#textCount++;
    if (text !== this.#lastText) this.#changeCount++;
    this.#lastText = text;
    this.#textLength += text.length;
    if (text.includes('<image>')) this.#hasImageMark = true;
    const known = this.#values?.get(text);
    if (known !== undefined) {
      this.#values?.set(text, known + 1);
      return;
    }
    if (this.#distinct.size < distinctCountMax) this.#distinct.add(createHash('sha256').update(text).digest());
    if (text.length > countedLengthMax || (this.#values?.size ?? 0) >= countedValueMax) this.#values = undefined;
    this.#values?.set(text, 1);
  }

  /** @param rowCount rows of the file, of which those that never had this column lack it */
  facts(rowCount: number): ColumnFacts {
    const presentCount = [...this.#shapes]
      .filter(([shape]) => shape !== 'missing')
      .reduce((sum, [, count]) => sum + count, 0);
    const present = new Map([...this.#shapes].filter(([shape]) => shape !== 'missing'));
    return {
      name: this.#name,
      shape: commonest(present) ?? 'missing',
      presentCount,
      missingCount: rowCount - presentCount,
      shapes: Object.fromEntries(this.#shapes),
      values: this.#values && new Map([...this.#values].sort(([, a], [, b]) => b - a)),
      distinctCount: this.#distinct.size,
      isDistinctCapped: this.#distinct.size >= distinctCountMax,
      areEqualAdjacent: this.#changeCount === this.#distinct.size && this.#distinct.size < distinctCountMax,
      numbers: this.#range.range,
      meanLength: this.#textCount === 0 ? 0 : this.#textLength / this.#textCount,
      list: this.#list?.facts,
      hasImageMark: this.#hasImageMark,
    };
  }
}
