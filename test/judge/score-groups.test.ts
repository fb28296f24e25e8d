/** Scores of groups of examples: slices, acc+, and the Ties score of RewardBench 2. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { JudgedExample } from '../../judge/evaluation/metric.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import { reordered } from '../../judge/tasks/reorder.ts';
import type { Example } from '../../judge/example.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';

interface Row {
  readonly label: string;
  /** Null: unparsable. */
  readonly verdict: string | null;
  readonly groupKey?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

function judged(rows: readonly Row[]): JudgedExample[] {
  return rows.map(({ label, verdict, groupKey = '', attributes = {} }, i) => ({
    example: {
      ...{ id: String(i), task: 't', split: 'test', images: [], fields: {}, label, attributes },
      groupKey: groupKey || String(i),
    },
    judgment: verdict === null ? { ok: false, reason: 'not-json' } : { ok: true, verdict, rationale: '' },
  }));
}

const yesNo: TaskSpec = { kind: 'pointwise', labels: ['yes', 'no'], prompt: '', ood: false };
const scoresOf = (spec: TaskSpec, given: readonly JudgedExample[]) =>
  taskScores({ task: 't', spec, split: 'test', judged: given, resampleCount: 20, seed: 0 });

describe('slices', () => {
  const spec: TaskSpec = { ...yesNo, slices: ['topic'] };
  const of = (topic: string, verdicts: readonly string[]): Row[] =>
    verdicts.map((verdict) => ({ label: 'yes', verdict, ...(topic !== '' && { attributes: { topic } }) }));

  test('have all scores of each value, and a mean in which values have equal weight; worked by hand', () => {
    const rows = judged([...of('a', ['yes', 'yes', 'yes', 'no']), ...of('b', ['no', 'no']), ...of('', ['yes'])]);
    const [slices] = scoresOf(spec, rows).slices ?? [];
    expect(slices?.field).toBe('topic');
    expect(slices?.values.map(({ value, exampleCount }) => [value, exampleCount])).toEqual([
      ['a', 4],
      ['b', 2],
      [null, 1],
    ]);
    expect(slices?.values.map(({ scores }) => scores['accuracy'])).toEqual([3 / 4, 0, 1]);
    expect(slices?.macroMean['accuracy']).toBeCloseTo((3 / 4 + 0 + 1) / 3, 12);
    // What the whole task has for the same examples.
    const { accuracy, macroF1, unparsableRate, cohenKappa, ci95 } = scoresOf(yesNo, rows.slice(0, 4));
    expect(slices?.values[0]?.scores).toMatchObject({ accuracy, macroF1, unparsableRate, cohenKappa });
    expect(slices?.values[0]?.ci95).toEqual(ci95);
    expect(slices?.others).toBeUndefined();
  });

  test('beyond 32 values are one entry, and still count in the mean', () => {
    const many = Array.from({ length: 40 }, (_, i) => of(`v${i}`, i < 32 ? ['yes', 'yes'] : ['no'])).flat();
    const [slices] = scoresOf(spec, judged(many)).slices ?? [];
    expect(slices?.valueCount).toBe(40);
    expect(slices?.values).toHaveLength(32);
    expect(slices?.others?.exampleCount).toBe(8);
    expect(slices?.others?.scores['accuracy']).toBe(0);
    expect(slices?.macroMean['accuracy']).toBeCloseTo(32 / 40, 12);
  });

  test('keep all orders of a pair together', () => {
    const pair: TaskSpec = { ...yesNo, kind: 'pairwise', labels: ['first', 'second'], slices: ['topic'] };
    const stored: Example = {
      ...{ id: 'p', task: 't', split: 'test', images: ['x', 'y'], fields: {}, label: 'first', groupKey: 'p' },
      attributes: { topic: 'a' },
    };
    const said = { ok: true, verdict: 'first', rationale: '' } as const;
    const order = [1, 0];
    const swapped = { example: reordered(stored, pair.labels, order), judgment: said, reordered: { of: 'p', order } };
    const [slices] = scoresOf(pair, [{ example: stored, judgment: said }, swapped]).slices ?? [];
    expect(slices?.values).toMatchObject([
      { value: 'a', exampleCount: 1, scores: { consistencyRate: 0, accuracy: 0.5 } },
    ]);
  });
});

describe('acc+', () => {
  const rows: Row[] = [
    { label: 'yes', verdict: 'yes', groupKey: 'image 1', attributes: { question: 'q' } },
    { label: 'no', verdict: 'no', groupKey: 'image 1', attributes: { question: 'r' } },
    { label: 'yes', verdict: 'yes', groupKey: 'image 2', attributes: { question: 'q' } },
    { label: 'no', verdict: null, groupKey: 'image 2', attributes: { question: 's' } },
  ];

  test('counts groups of which all judgments are right, by default those of the examples', () => {
    expect(scoresOf(yesNo, judged(rows)).accPlus).toEqual({ groupCount: 2, rate: 1 / 2 });
    expect(scoresOf({ ...yesNo, accPlusBy: 'question' }, judged(rows)).accPlus).toEqual({ groupCount: 3, rate: 2 / 3 });
    const apart = judged(rows.map((row, i) => ({ ...row, groupKey: `image ${i}` })));
    expect(scoresOf(yesNo, apart).accPlus).toBeUndefined();
  });

  test('needs an example right in all of its orders', () => {
    const pair: TaskSpec = { ...yesNo, kind: 'pairwise', labels: ['first', 'second'], accPlusBy: 'question' };
    const stored: Example = {
      ...{ id: 'p', task: 't', split: 'test', images: ['x', 'y'], fields: {}, label: 'first', groupKey: 'p' },
      attributes: { question: 'q' },
    };
    const order = [1, 0];
    const inOrder = (verdict: string): JudgedExample[] => [
      { example: stored, judgment: { ok: true, verdict: 'first', rationale: '' } },
      {
        ...{ example: reordered(stored, pair.labels, order), reordered: { of: 'p', order } },
        judgment: { ok: true, verdict, rationale: '' },
      },
    ];
    expect(scoresOf(pair, inOrder('second')).accPlus).toEqual({ groupCount: 1, rate: 1 });
    expect(scoresOf(pair, inOrder('first')).accPlus).toEqual({ groupCount: 1, rate: 0 });
  });
});

describe('the Ties score of RewardBench 2', () => {
  const labels = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'] as unknown as TaskSpec['labels'];
  const rating: TaskSpec = { ...yesNo, kind: 'score', labels, tiesScoreBy: 'prompt' };
  /** The first `correctCount` numbers are of correct answers. */
  const answers = (prompt: string, correctCount: number, numbers: readonly (number | null)[]): Row[] =>
    numbers.map((number, i) => ({
      ...{ label: i < correctCount ? '10' : '1', verdict: number === null ? null : String(number) },
      attributes: { prompt },
    }));

  test('is that of its own code', () => {
    const cases = JSON.parse(
      readFileSync(new URL('../fixtures/ties-score/expected.json', import.meta.url), 'utf8'),
    ) as readonly {
      readonly rows: readonly { readonly id: string; readonly num_correct: number; readonly scores: number[] }[];
      readonly score: number;
    }[];
    expect(cases).toHaveLength(4);
    for (const { rows, score } of cases) {
      const given = judged(rows.flatMap(({ id, num_correct, scores }) => answers(id, num_correct, scores)));
      expect(scoresOf(rating, given).tiesScore?.score).toBeCloseTo(score, 12);
    }
  });

  test('weighs accuracy and margins; worked by hand', () => {
    const given = [
      // Gaps 4 and 3, spread 2: above the spread by both; tanh(3 / 2 - 1).
      ...answers('ref:1', 1, [9, 5, 4]),
      ...answers('tied:1', 2, [10, 8, 5]),
      // Gaps 1 and 3, spread 2: the smaller one is not above it; tanh(1 / 2 - 1).
      ...answers('ref:2', 1, [6, 5]),
      ...answers('tied:2', 3, [9, 8, 7, 4, 3]),
      // Gaps -1 and 0, spread 0: none is right; tanh(-1 / 0 - 1) = -1.
      ...answers('ref:3', 1, [4, 5]),
      ...answers('tied:3', 2, [5, 5, 5]),
    ];
    const { tiesScore } = scoresOf(rating, judged(given));
    const marginScore = (Math.tanh(0.5) + Math.tanh(-0.5) - 1) / 3;
    expect(tiesScore).toMatchObject({ pairCount: 3, refAccuracy: 2 / 3, tiedAccuracy: 2 / 3, leftOutCount: 0 });
    expect(tiesScore).toMatchObject({ preferredRate: 2 / 3, preferredHardRate: 1 / 3, marginScore });
    expect(tiesScore?.score).toBeCloseTo(
      0.3 * (2 / 3) + 0.3 * (2 / 3) + 0.2 * (2 / 3) + 0.2 / 3 + 0.01 * marginScore,
      12,
    );
  });

  test('gives an answer without a number no advantage, and says which prompts do not count', () => {
    const given = [
      ...answers('ref:1', 1, [9, null]),
      ...answers('tied:1', 2, [10, 10, 1]),
      ...answers('tied:2', 2, [10, 10]),
      ...answers('other', 1, [10, 1]),
    ];
    const { tiesScore } = scoresOf(rating, judged(given));
    expect(tiesScore).toMatchObject({ pairCount: 1, refAccuracy: 0, tiedAccuracy: 1, preferredHardRate: 0 });
    expect(tiesScore).toMatchObject({ marginScore: -1, leftOutCount: 2 });
    expect(scoresOf(rating, judged(answers('ref:1', 1, [9, 1]))).tiesScore).toBeUndefined();
  });
});
