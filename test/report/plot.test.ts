import { parseHTML } from 'linkedom';
import { expect, test } from 'vitest';
import { type ChartPoint, lineChart } from '../../judge/report/charts/plot.ts';

const drawn = (values: readonly ChartPoint[], range?: readonly [number, number]) => {
  const line = { name: 'a', colour: 'red', values };
  return parseHTML(lineChart({ lines: [line], width: 360, height: 180, ...(range && { range }) }).text).document;
};
const labelsOf = (values: readonly number[], range?: readonly [number, number]) => {
  const document = drawn(
    values.map((value, step) => ({ step, value })),
    range,
  );
  return [...document.querySelectorAll('[aria-label="y-axis tick label"] text')].map((each) => each.textContent);
};
/** Parts of the band's outline. */
const partsOf = (values: readonly ChartPoint[]): string[] =>
  [...drawn(values).querySelectorAll('[aria-label="area"] path')].flatMap((path) =>
    (path.getAttribute('d') ?? '').split('Z').filter((part: string) => part !== ''),
  );

test('the labels of small values are told apart', () => {
  expect(labelsOf([0.001, 0.004])).toEqual(['0.001', '0.002', '0.003', '0.004']);
});

test('of what a rate can be, the axis has the tenths that it was', () => {
  expect(labelsOf([0.72, 0.93], [0, 1])).toEqual(['0.7', '0.8', '0.9', '1']);
  expect(labelsOf([1, 1], [0, 1])).toContain('1');
  expect(labelsOf([0, 1], [0, 1])).toEqual(['0', '0.2', '0.4', '0.6', '0.8', '1']);
});

test('a band narrows where its bounds are equal, and is interrupted where there are none', () => {
  const wide = (step: number) => ({ step, value: 1, low: 0, high: 2 });
  expect(partsOf([wide(0), { step: 1, value: 1, low: 1, high: 1 }, wide(2)])).toHaveLength(1);
  expect(partsOf([wide(0), wide(1), { step: 2, value: 1 }, wide(3), wide(4)])).toHaveLength(2);
  expect(partsOf([0, 1, 2].map((step) => ({ step, value: 1, low: 1, high: 1 })))).toEqual([]);
});
