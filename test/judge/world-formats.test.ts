import { describe, expect, test } from 'vitest';
import { readCriteria } from '../../judge/kinds/criteria-label.ts';
import { readRanking } from '../../judge/kinds/ranking-label.ts';
import { generateWorldExamples } from '../../judge/worlds/generate.ts';
import type { FormatWorldTask } from '../../judge/worlds/formats.ts';

const honest = { hardErrorRate: 0, easyErrorRate: 0, flipRate: 0 };
const examplesOf = (task: FormatWorldTask, exampleCount = 90, annotator = honest) =>
  [
    ...generateWorldExamples({ reader: 'judge-world', tasks: [task], split: 'test', exampleCount, seed: 5, annotator }),
  ].map(({ example }) => example);

/** How many words of the caption fit each candidate, as the rationale of an honest annotator says. */
const counts = (rationale = ''): number[] =>
  [...rationale.matchAll(/(?:same|other) (\d)/g)].map(([, count]) => Number(count));

describe('formats of the judge world', () => {
  test.each([
    ['pair-tie', ['first', 'same', 'second']],
    ['best-of-three', ['1', '2', '3']],
  ] as const)('%s has each label for a third of its examples', (task, labels) => {
    const found = examplesOf(task).map(({ label }) => label);
    expect(labels.map((label) => found.filter((each) => each === label).length)).toEqual([30, 30, 30]);
  });

  test('the best of a ranking is at each place for a third of the examples', () => {
    const first = examplesOf('rank-three').map(({ label }) => label[0]);
    expect(['1', '2', '3'].map((place) => first.filter((each) => each === place).length)).toEqual([30, 30, 30]);
  });

  test('labels follow from what the caption says of the pictures', () => {
    for (const { label, rationale } of examplesOf('pair-tie')) {
      const [first = 0, second = 0] = counts(rationale);
      expect(label).toBe(first === second ? 'same' : first > second ? 'first' : 'second');
    }
    for (const { label, rationale } of examplesOf('best-of-three'))
      expect(counts(rationale).indexOf(4)).toBe(Number(label) - 1);
    for (const { label, rationale } of examplesOf('rank-three')) {
      const places = readRanking(label) ?? [];
      expect(places.map((place) => counts(rationale)[Number(place) - 1])).toEqual([4, 2, 0]);
    }
  });

  test('criteria are those of the single pictures', () => {
    const labels = new Set<string>();
    for (const { label, rationale = '' } of examplesOf('three-criteria')) {
      const values = readCriteria(label);
      expect(values?.get('sharp')).toBe(/^clean/.test(rationale) ? 'yes' : 'no');
      expect(values?.get('natural')).toBe(/^clean stands stands/.test(rationale) ? 'yes' : 'no');
      expect(values?.get('safe')).toBe(/flame$/.test(rationale) ? 'no' : 'yes');
      labels.add(label);
    }
    expect(labels.size).toBe(6);
  });

  test('a careless annotator gives other labels', () => {
    const flips = { ...honest, flipRate: 0.2 };
    for (const task of ['pair-tie', 'best-of-three', 'rank-three', 'three-criteria'] as const) {
      const right = examplesOf(task).map(({ label }) => label);
      const rate = examplesOf(task, 90, flips).filter(({ label }, i) => label !== right[i]).length / 90;
      expect(rate, task).toBeGreaterThan(0.08);
      expect(rate, task).toBeLessThan(0.65);
    }
  });

  test.each([
    ['2 > 1 > 3', ['2', '1', '3']],
    ['2 1 3', ['2', '1', '3']],
    ['2 > 1 3', ['2', '1 3']],
    ['2', undefined],
  ])('the ranking %s is read with or without its marks, not half of each', (text, places) => {
    expect(readRanking(text)).toEqual(places);
  });

  test('criteria are read with or without their marks', () => {
    const names = ['natural', 'safe'];
    expect(readCriteria('natural : yes safe : no', names)).toEqual(
      new Map([
        ['natural', 'yes'],
        ['safe', 'no'],
      ]),
    );
    expect(readCriteria('natural : yes safe : no')).toEqual(new Map([['natural', 'yes safe : no']]));
    expect(readCriteria('natural yes safe no', names)).toBeUndefined();
  });
});
