/** Numeric labels, in ascending order as a score task declares them. */
import { assert } from '../../core/assert.ts';

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)$/;

/** Parses a plain decimal number: accepts `3`, `2.5` and `-1`; returns undefined for `1e3`, `0x10`, `3/5` and `NaN`. */
export function numberOf(text: string): number | undefined {
  const trimmed = text.trim();
  return decimal.test(trimmed) ? Number(trimmed) : undefined;
}

/** Whether all are finite, and each is greater than the one before. */
export function ascend(numbers: readonly number[]): boolean {
  return numbers.every((value, i) => Number.isFinite(value) && (i === 0 || value > (numbers[i - 1] ?? NaN)));
}

export function isWithin(value: number, labels: readonly string[]): boolean {
  return value >= Number(labels[0]) && value <= Number(labels.at(-1));
}

/** The label nearest to the value; on a tie, the smaller one. */
export function nearestLabel(value: number, labels: readonly string[]): string {
  const [first] = labels;
  assert(first !== undefined, 'a score task has labels');
  const distance = (label: string): number => Math.abs(Number(label) - value);
  return labels.reduce((best, label) => (distance(label) < distance(best) ? label : best), first);
}

/** 1 - |a - b| / (greatest - least label), in [0, 1] for scores in range. */
export function closeness(a: number, b: number, labels: readonly string[]): number {
  const range = Number(labels.at(-1)) - Number(labels[0]);
  assert(range > 0, 'labels of a score task ascend');
  return 1 - Math.abs(a - b) / range;
}
