import { expect, test } from 'vitest';
import { intensityCeiling, pairsCeiling, polarityCeiling } from '../../bench/human-ceiling.ts';

test('each rater is compared with the others; worked by hand', () => {
  // Of [3, 1, -1], the means of the others are 0, 1 and 2; of [-2, -2, 0] they are -1, -1 and -2.
  const rows = [{ ratings: [3, 1, -1] }, { ratings: [-2, -2, 0] }];
  // Of the first row, both positive raters see one of each among the others, which is half of either label; the third sees
  // positive. Of the second, the label is negative each time, and the last rater takes no side.
  // positive: 1 right, 1 missed, 1 too many; negative: 2 right, 2 missed, 1 too many.
  const polarity = polarityCeiling(rows);
  expect(polarity.macroF1).toBeCloseTo((2 / 4 + 4 / 7) / 2, 12);
  expect(polarity.accuracy).toBeCloseTo(3 / 6, 12);
  const { accuracy, meanAbsoluteError, pearson } = intensityCeiling(rows);
  expect(accuracy).toBeCloseTo(1 / 6, 12);
  expect(meanAbsoluteError).toBeCloseTo((3 + 0 + 3 + 1 + 1 + 2) / 6);
  expect(pearson).toBeGreaterThan(-1);
});

test('a pair is judged by one rater of each word; worked by hand', () => {
  // 3 > 2 and 3 > 1, 2 = 2 and 2 > 1: in the order of the means but for one tie.
  const pair = { ratings_0: [3, 2], ratings_1: [2, 1], label: 'first' };
  expect(pairsCeiling([pair])).toEqual({ accuracy: 3.5 / 4 });
  expect(pairsCeiling([{ ...pair, label: 'second' }])).toEqual({ accuracy: 0.5 / 4 });
});
