/** Verdicts that are any number within a range, as scores and criteria may have them. */
import { assert } from '../../core/assert.ts';
import { numberOf } from './label-numbers.ts';

/** Least and greatest number. */
export type NumberRange = readonly [number, number];

/** The number as a plain decimal, which `numberOf` reads as the same number: also those that JavaScript writes as `1e-7`. */
export function decimalOf(value: number): string {
  assert(Number.isFinite(value), 'a number with a plain decimal');
  const [digits = '', exponent] = String(value).split('e');
  if (exponent === undefined) return digits;
  const sign = digits.startsWith('-') ? '-' : '';
  const [whole = '', fraction = ''] = digits.replace('-', '').split('.');
  const places = Number(exponent);
  if (places < 0) return `${sign}0.${'0'.repeat(-places - 1)}${whole}${fraction}`;
  return `${sign}${whole}${fraction.padEnd(places, '0')}`;
}

/** A plain decimal within the range, in one form for equal numbers; else why it is not a verdict. */
export function readInRange(
  text: string,
  [least, greatest]: NumberRange,
): { readonly verdict: string; readonly score: number } | 'verdict-not-a-label' | 'verdict-out-of-range' {
  const value = numberOf(text);
  if (value === undefined || !Number.isFinite(value)) return 'verdict-not-a-label';
  if (value < least || value > greatest) return 'verdict-out-of-range';
  // Not -0.
  return { verdict: decimalOf(value + 0), score: value + 0 };
}

/** Whether two numbers are as near as the tolerance, to nine digits of it: 3.5 and 3.3 are .2 apart. */
export function isNear(said: string, right: string, tolerance = 0): boolean {
  return said === right || Math.abs(Number(said) - Number(right)) <= tolerance * (1 + 1e-9);
}

const partCount = 4;

/** The quarter of the range that a number is in, in words: groups of rows must stay few, however many numbers there are. */
export function partOfRange(text: string, [least, greatest]: NumberRange): string {
  const width = (greatest - least) / partCount;
  const part = Math.max(0, Math.min(partCount - 1, Math.floor((Number(text) - least) / width)));
  const bound = (i: number): string => decimalOf(Number((least + i * width).toPrecision(6)));
  return `${bound(part)} to ${bound(part + 1)}`;
}
