/** JSON documents near a given one: values replaced by odd ones or by others of the document, members left out, renamed, added. */
import fc from 'fast-check';
import type { Json } from '../../core/json.ts';
import { nearBytes } from './near-bytes.ts';

const deep = (depth: number): Json => (depth === 0 ? [] : [deep(depth - 1)]);

/** Values that schemas and arithmetic get wrong. */
const oddValues: readonly Json[] = [
  ...[null, true, false, 0, -0, 1, -1, 0.5, 1e308, 2 ** 31, 2 ** 53, -(2 ** 63)],
  ...['', ' ', '0', 'null', '\0', '\ud800', '__proto__', 'constructor', '../x', 'a'.repeat(70_000), '\u202e', 'é'],
  ...[[], {}, [[]], [null], { '': null }, [1, 2, 3], ['a', 'b'], { type: null }, deep(200)],
];
const oddNames = ['', '__proto__', 'constructor', 'toString', 'length', 'type', 'id', '0', '-1', 'ü'];

type Holder = Record<string, Json> | Json[];

const isHolder = (value: Json | undefined): value is Holder => typeof value === 'object' && value !== null;

/** Goes down by the route, one number a level, and ends at a value without members or where the route ends. */
function placeAt(document: Holder, route: readonly number[]): { holder: Holder; name: string } | undefined {
  let holder = document;
  for (const [level, turn] of route.entries()) {
    const names = Object.keys(holder);
    const name = names[turn % names.length];
    if (name === undefined) return undefined;
    const next = valueOf(holder, name);
    if (level === route.length - 1 || !isHolder(next) || Object.keys(next).length === 0) return { holder, name };
    holder = next;
  }
  return undefined;
}

const valueOf = (holder: Holder, name: string): Json | undefined => (holder as Record<string, Json>)[name];

/** Sets a copy, so that no value contains itself, and that changes of it reach neither another place nor another input. */
function set(holder: Holder, name: string, given: Json): void {
  const value = structuredClone(given);
  // An array of two thousand million members could not be written as text.
  if (Array.isArray(holder) && name === 'length') return;
  Object.defineProperty(holder, name, { value, enumerable: true, writable: true, configurable: true });
}

const route = fc.array(fc.nat(4_095), { minLength: 1, maxLength: 7 });
const changes = fc.record({
  route,
  how: fc.constantFrom('odd', 'odd', 'any', 'other', 'remove', 'rename', 'add', 'double'),
  odd: fc.constantFrom(...oddValues),
  any: fc.jsonValue({ maxDepth: 2 }),
  other: route,
  name: fc.constantFrom(...oddNames),
});

function changed(document: Holder, all: readonly (typeof changes extends fc.Arbitrary<infer T> ? T : never)[]): Json {
  const copy = structuredClone(document);
  for (const { route: way, how, odd, any, other, name: newName } of all) {
    const place = placeAt(copy, way);
    if (place === undefined) continue;
    const { holder, name } = place;
    const value = valueOf(holder, name) ?? null;
    if (how === 'odd') set(holder, name, odd);
    else if (how === 'any') set(holder, name, any);
    else if (how === 'add') set(holder, Array.isArray(holder) ? String(holder.length) : newName, odd);
    else if (how === 'double') set(holder, Array.isArray(holder) ? String(holder.length) : `${name}_`, value);
    else if (how === 'other') {
      const from = placeAt(copy, other);
      if (from !== undefined) set(holder, name, valueOf(from.holder, from.name) ?? null);
    } else {
      if (Array.isArray(holder)) holder.splice(Number(name), 1);
      else Reflect.deleteProperty(holder, name);
      if (how === 'rename') set(holder, Array.isArray(holder) ? String(holder.length) : newName, value);
    }
  }
  return copy;
}

export function nearJson(document: Json): fc.Arbitrary<Json> {
  if (!isHolder(document)) throw new Error('an object or an array is changed');
  return fc.array(changes, { minLength: 1, maxLength: 4 }).map((all) => changed(document, all));
}

const words = ['NaN', '1e999', '-', '"', '\\u', '{', '[', ']', ',', 'null', '\u2028'];

/** Texts of such documents, some of them no longer JSON. */
export function nearJsonText(document: Json): fc.Arbitrary<string> {
  const broken = nearBytes(Buffer.from(JSON.stringify(document)), words).map((bytes) => bytes.toString());
  return fc.oneof(
    { weight: 4, arbitrary: nearJson(document).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: broken },
  );
}

/** Texts near one that may be JSON. */
export function nearText(text: string): fc.Arbitrary<string> {
  const broken = nearBytes(Buffer.from(text), words).map((bytes) => bytes.toString());
  try {
    const document = JSON.parse(text) as Json;
    return isHolder(document) ? nearJsonText(document) : broken;
  } catch {
    return broken;
  }
}
