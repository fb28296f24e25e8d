/**
 * Numbers of parquet files as people and other tools write them. A float32 of 0.7 is 0.699999988 as a number of
 * JavaScript, which would miss a threshold of 0.7 and a label map's '0.7'. A decimal is a product that need not be exact.
 */
import type { FileMetaData } from 'hyparquet';

type Element = FileMetaData['schema'][number];

interface SchemaNode {
  readonly element: Element;
  readonly children: readonly SchemaNode[];
}

/** Shortest decimal that is the same float32, as numpy and pandas print it. */
function shortestFloat32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

function rootOf({ schema }: FileMetaData): SchemaNode {
  let i = 0;
  const read = (): SchemaNode => {
    const element = schema[i++] as Element;
    const children: SchemaNode[] = [];
    for (let n = 0; n < (element.num_children ?? 0) && i < schema.length; n++) children.push(read());
    return { element, children };
  };
  return read();
}

type Convert = (value: unknown) => unknown;

/** Undefined if no value below the node changes. */
function converterOf({ element, children }: SchemaNode): Convert | undefined {
  if (children.length === 0) return leafConverter(element);
  const members = children.flatMap((child) => {
    const convert = converterOf(child);
    return convert === undefined ? [] : [{ name: child.element.name, convert }];
  });
  const [first] = members;
  if (first === undefined) return undefined;
  const convert: Convert = (value) => {
    // A list is wrapped in groups of one child, of which the reader leaves nothing.
    if (Array.isArray(value)) return value.map(convert);
    if (typeof value !== 'object' || value === null) return children.length === 1 ? first.convert(value) : value;
    const own = value as Record<string, unknown>;
    if (!members.some(({ name }) => Object.hasOwn(own, name))) return first.convert(value);
    return Object.fromEntries(
      Object.entries(own).map(([key, each]) => [key, members.find(({ name }) => name === key)?.convert(each) ?? each]),
    );
  };
  return convert;
}

function leafConverter({ type, converted_type: converted }: Element): Convert | undefined {
  if (type === 'FLOAT') return numbersBy(shortestFloat32);
  if (converted === 'DECIMAL') return numbersBy((value) => Number(value.toPrecision(15)));
  return undefined;
}

function numbersBy(convert: (value: number) => number): Convert {
  const each: Convert = (value) => {
    if (Array.isArray(value)) return value.map(each);
    return typeof value === 'number' && Number.isFinite(value) ? convert(value) : value;
  };
  return each;
}

/** What turns each row's values into such numbers; only columns that have any are looked at. */
export function numberConverters(metadata: FileMetaData): ReadonlyMap<string, Convert> {
  const found = new Map<string, Convert>();
  for (const node of rootOf(metadata).children) {
    const convert = converterOf(node);
    if (convert !== undefined) found.set(node.element.name, convert);
  }
  return found;
}
