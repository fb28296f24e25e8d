/** Reads label values as places among candidates: `0` and `1`, `A`, `left`, `model_b`, `[[A>B]]`, ties. */
import { numberOf } from '../../../kinds/label-numbers.ts';

export type Place = number | 'tie' | 'both-bad';

const words: readonly (readonly string[])[] = [
  ['first', 'left', 'leftvote', '1st', 'one', 'a>b', 'a>>b'],
  ['second', 'right', 'rightvote', '2nd', 'two', 'b>a', 'b>>a'],
];
const tie = /^(tie|tied|tievote|same|equal|draw|both|bothgood|a=b|a=b=good|nopreference|either)$/;
const bothBad = /^(bothbad|bothbadvote|a=b=bad|neither|tiebothbad|none)$/;

export interface PlaceReading {
  readonly placeOf: ReadonlyMap<string, Place>;
  /** What had to be assumed, for numbers that fit two countings. */
  readonly assumed?: string;
}

/**
 * The place of each value; undefined unless all values are places or ties, and at least one is a place.
 *
 * @param marks what the columns of the candidates have in place of `*`, as `0` and `1`
 * @param names of these columns
 */
export function placesOfValues(
  values: readonly string[],
  count: number,
  marks: readonly string[] = [],
  names: readonly string[] = [],
): PlaceReading | undefined {
  const numbers = values.map(numberOf);
  const isNumeric = values.length > 0 && numbers.every((number) => Number.isInteger(number));
  if (isNumeric) return placesOfNumbers(values, numbers as number[], count, marks);
  const placeOf = new Map<string, Place>();
  for (const value of values) {
    const place = placeOfText(value, count, names);
    if (place === undefined) return undefined;
    placeOf.set(value, place);
  }
  return [...placeOf.values()].some((place) => typeof place === 'number') ? { placeOf } : undefined;
}

function placesOfNumbers(
  values: readonly string[],
  numbers: readonly number[],
  count: number,
  marks: readonly string[],
): PlaceReading | undefined {
  const [min, max] = [Math.min(...numbers), Math.max(...numbers)];
  const isFromOne = marks.length === 0 ? min > 0 : marks[0] === '1';
  if (min < 0 || max > count) return undefined;
  // All of 0 to N: N + 1 values, of which one is the tie of two.
  const hasTie = min === 0 && max === count;
  if (hasTie && count !== 2) return undefined;
  const first = max === count && !hasTie ? 1 : min === 0 && !hasTie ? 0 : isFromOne ? 1 : 0;
  const tieNumber = first === 1 ? 0 : count;
  const placeOf = new Map(
    values.map((value, i): [string, Place] => {
      const number = numbers[i] ?? 0;
      return [value, hasTie && number === tieNumber ? 'tie' : number - first];
    }),
  );
  const isOpen = hasTie || (min > 0 && max < count);
  return isOpen
    ? { placeOf, assumed: `${first} is read as the first candidate${hasTie ? `, ${tieNumber} as a tie` : ''}` }
    : { placeOf };
}

function placeOfText(value: string, count: number, names: readonly string[]): Place | undefined {
  const named = names.findIndex((name) => name.toLowerCase() === value.trim().toLowerCase());
  if (named >= 0) return named;
  const plain = value.toLowerCase().replace(/[^a-z0-9>=]/g, '');
  if (bothBad.test(plain)) return 'both-bad';
  if (tie.test(plain)) return 'tie';
  const word = words.findIndex((list) => list.includes(plain));
  if (word >= 0 && word < count) return word;
  const [, mark] =
    /^(?:(?:candidate|response|answer|image|picture|option|model|assistant|choice|output)[\W_]*)?([a-z]|\d)[\W_]*$/i.exec(
      value.trim(),
    ) ?? [];
  if (mark === undefined) return undefined;
  const index = /\d/.test(mark) ? Number(mark) - 1 : mark.toLowerCase().charCodeAt(0) - 97;
  return index >= 0 && index < count ? index : undefined;
}
