/** Scores and criteria whose verdict is any number of a range: what is read, rewarded, measured and refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { labelledRows } from '../../judge/datasets/labelled-rows.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import { baselineLines } from '../../judge/evaluation/baseline-text.ts';
import type { JudgedExample } from '../../judge/evaluation/metric.ts';
import { taskTests } from '../../judge/evaluation/paired-tests.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import { variantScores } from '../../judge/evaluation/variant-scores.ts';
import type { Judgment } from '../../judge/example.ts';
import { numberOf } from '../../judge/kinds/label-numbers.ts';
import { decimalOf, isNear, partOfRange } from '../../judge/kinds/number-range.ts';
import { classLabels, gateMetricsOf, hasForcedChoice } from '../../judge/kinds/table.ts';
import { ruledReward } from '../../judge/rewards.ts';
import { judgmentOf } from '../../judge/scoring/read-judgments.ts';
import { scoreJudges } from '../../judge/scoring/score-judges.ts';
import { readFirstLabel } from '../../judge/tasks/first-label.ts';
import { readVerdict } from '../../judge/tasks/read-verdict.ts';
import { rewardSchema } from '../../recipes/fields/reward-fields.ts';
import { taskSchema } from '../../recipes/fields/task-fields.ts';
import { recipeOf } from './voted-recipes.ts';

const prompt = '{{ words }} {{ mode_word }}';
const score = taskSchema.parse({ kind: 'score', range: [0, 10], prompt });
const near = taskSchema.parse({ kind: 'score', range: [0, 10], tolerance: 0.2, prompt });
const criteria = taskSchema.parse({
  ...{ kind: 'criteria', range: [1, 5], prompt },
  criteria: { clear: null, deep: { range: [-1, 1], tolerance: 0.5 }, safe: ['yes', 'no'] },
});
const number = (text: string): Judgment =>
  readVerdict({ text, finishReason: 'stop' }, { ...score, verdictFormat: 'last-line' }, 'direct');
const judgedOf = (pairs: readonly (readonly [label: string, answer: string])[]): JudgedExample[] =>
  pairs.map(([label, answer], i) => ({
    example: {
      ...{ id: String(i), task: 't', split: 'test', images: [], fields: {}, label, score: Number(label) },
      groupKey: String(i),
    },
    judgment: number(answer),
  }));
const pairs = [
  ['2', '2'],
  ['5', '5.1'],
  ['7.5', '7'],
  ['9', 'none'],
] as const;

const folder = mkdtempSync(join(tmpdir(), 'mtrl-range-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const ingested = (task: object, rows: readonly object[], dataset: object = {}) => {
  const path = join(folder, `${String(rows.length)}-${JSON.stringify(dataset).length}.jsonl`);
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  const recipe = recipeOf({ path, fields: { images: [], prompt: ['words'] }, ...dataset }, task);
  return { recipe, result: ingestDatasets(recipe, { image: () => undefined }) };
};

describe('a number as a plain decimal', () => {
  test.each([
    [1e-7, '0.0000001'],
    [-1.5e-7, '-0.00000015'],
    [1e21, `1${'0'.repeat(21)}`],
    [1.25e22, `125${'0'.repeat(20)}`],
    [-0, '0'],
    [3.61, '3.61'],
  ])('%d is %s', (value, text) => {
    expect(decimalOf(value)).toBe(text);
  });

  test('is read as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(numberOf(decimalOf(value))).toBe(value + 0);
      }),
    );
  });

  test('is near by the tolerance, as people count', () => {
    // 3.5 - 3.3 is .20000000000000018 to a computer.
    expect(isNear('3.5', '3.3', 0.2)).toBe(true);
    expect(isNear('3.51', '3.3', 0.2)).toBe(false);
    expect(isNear('3.3', '3.30000001')).toBe(false);
  });
});

describe('a task', () => {
  test('has the ends of its range as labels, also when it is read again', () => {
    expect(score.labels).toEqual(['0', '10']);
    expect(taskSchema.parse(score)).toEqual(score);
    expect(hasForcedChoice(score)).toBe(false);
    expect(classLabels(score)).toEqual([]);
    expect(gateMetricsOf(score)).toEqual(['accuracy', 'krippendorffAlpha']);
  });

  test.each([
    [{ kind: 'score' }, 'tasks.shows.labels: found nothing; allowed: a list (the field is needed)'],
    [{ kind: 'score', range: [5, 1] }, 'tasks.shows.range: found [5,1]; allowed: two numbers, the lower first'],
    [{ kind: 'score', range: [1, 1] }, 'two numbers, the lower first'],
    [{ kind: 'score', range: [1, Infinity] }, 'tasks.shows.range.1'],
    [{ kind: 'score', range: [1, 5], labels: ['1', '2', '5'] }, 'nothing, because the task has a range'],
    [
      { kind: 'score', range: [1, 5], real: true },
      'tasks.shows.real: found true; allowed: nothing, because the task has',
    ],
    [
      { kind: 'score', labels: ['1', '2'], tolerance: 1 },
      'tasks.shows.tolerance: found 1; allowed: nothing without range',
    ],
    [
      { kind: 'score', range: [1, 5], headline: 'macroF1' },
      'headline: found "macroF1"; allowed: accuracy, accPlus, pearson',
    ],
    [
      { kind: 'pointwise', labels: ['a', 'b'], range: [1, 5] },
      'tasks.shows.range: found [1,5]; allowed: nothing, because',
    ],
    [{ kind: 'criteria', range: [1, 5], criteria: { a: null } }, 'at least two criteria'],
  ])('%j is refused', (task, message) => {
    expect(() => recipeOf({ fields: { images: [], prompt: ['words'] } }, { prompt, ...task })).toThrow(message);
  });

  test('takes no votes, whose mean is a label', () => {
    const dataset = { fields: { images: [], prompt: ['words'], votes: 'evals' } };
    expect(() => recipeOf(dataset, { kind: 'score', range: [1, 5], prompt })).toThrow(
      'give the mean of the votes as fields.label',
    );
  });
});

describe('an answer', () => {
  const read = (text: string, verdictFormat: 'tagged' | 'json' | 'last-line', task = score) =>
    readVerdict({ text, finishReason: 'stop' }, { ...task, verdictFormat }, 'direct');

  test.each(['3.70', '+3.7', ' 3.7 '])('is one number, in one form: %s', (text) => {
    const judgment = { ok: true, verdict: '3.7', score: 3.7, rationale: '' };
    expect(read(`<answer>${text}</answer>`, 'tagged')).toEqual(judgment);
    expect(read(JSON.stringify({ verdict: text }), 'json')).toEqual(judgment);
    expect(read(text, 'last-line')).toEqual(judgment);
  });

  test.each(['3.7 of 10', '3,7', '1e1', 'NaN', 'Infinity', 'ten', '', '3 4', '0x5', '7/10', '--3'])(
    'is nothing else: %s',
    (text) => {
      expect(read(`<answer>${text}</answer>`, 'tagged')).toMatchObject({ ok: false, reason: 'verdict-not-a-label' });
      expect(read(JSON.stringify({ verdict: text }), 'json')).toMatchObject({
        ok: false,
        reason: 'verdict-not-a-label',
      });
      expect(read(text, 'last-line').ok).toBe(false);
    },
  );

  test.each(['10.01', '-0.1', '1000'])('beyond the range is told apart: %s', (text) => {
    for (const [format, answer] of [
      ['tagged', `<answer> ${text} </answer>`],
      ['json', `{"verdict": ${text}}`],
      ['last-line', text],
    ] as const)
      expect(read(answer, format)).toEqual({ ok: false, reason: 'verdict-out-of-range' });
  });

  test('of several criteria has a number or a label for each', () => {
    const answer = 'deep: -0.50, clear: 4.5, safe: yes';
    for (const [format, text] of [
      ['tagged', `<answer> ${answer} </answer>`],
      ['json', '{"verdict": {"deep": -0.5, "clear": 4.5, "safe": "yes"}}'],
      ['last-line', answer],
    ] as const)
      expect(read(text, format, criteria)).toMatchObject({ ok: true, verdict: 'clear: 4.5, deep: -0.5, safe: yes' });
    const reasonOf = (text: string) => read(text, 'last-line', criteria);
    expect(reasonOf('clear: 5.5, deep: 0, safe: yes')).toMatchObject({ reason: 'verdict-out-of-range' });
    expect(reasonOf('clear: five, deep: 0, safe: yes')).toMatchObject({ reason: 'verdict-not-a-label' });
    expect(reasonOf('clear: 5, deep: 0')).toMatchObject({ reason: 'criterion-missing' });
  });

  test('in a sentence is found by lenient reading alone', () => {
    expect(readFirstLabel({ text: 'I give 7.25 points.', finishReason: 'stop' }, score)).toMatchObject({
      verdict: '7.25',
    });
  });
});

describe('rows', () => {
  test('have their number as label; what is beyond the range, or no number, is quarantined', async () => {
    const rows = [3.25, 0, '10', 10.5, -1, 'many', null].map((label, id) => ({ id, words: 'w', label }));
    const { recipe, result } = ingested({ kind: 'score', range: [0, 10], prompt }, rows);
    const { examples, quarantined } = await result;
    expect(examples.map(({ label, score: value }) => [label, value])).toEqual([
      ['3.25', 3.25],
      ['0', 0],
      ['10', 10],
    ]);
    expect(quarantined.map(({ code, reason }) => `${code} ${reason}`)).toEqual([
      'LABEL_UNKNOWN label is 10.5, not a number from 0 to 10',
      'LABEL_UNKNOWN label is -1, not a number from 0 to 10',
      'LABEL_UNKNOWN label is many, not a number',
      'FIELD_MISSING the row has no label',
    ]);
    const labelled = await labelledRows(recipe, 'shows', localFiles);
    expect(labelled.rows.map(({ label, score: value }) => [label, value])).toEqual(
      examples.map(({ label, score: value }) => [label, value]),
    );
  });

  test('of several criteria too', async () => {
    const rows = [
      { id: 1, words: 'w', a: 4.5, b: 0.25, c: 'yes' },
      { id: 2, words: 'w', a: 5.5, b: 0.25, c: 'yes' },
    ];
    const label = { criteria: { clear: 'a', deep: 'b', safe: 'c' } };
    const task = { kind: 'criteria', range: [1, 5], prompt, criteria: criteria.criteria };
    const { examples, quarantined } = await ingested(task, rows, { fields: { images: [], prompt: ['words'], label } })
      .result;
    expect(examples.map((one) => one.label)).toEqual(['clear: 4.5, deep: 0.25, safe: yes']);
    expect(quarantined.map(({ reason }) => reason)).toEqual(['a is 5.5, not a number from 1 to 5']);
  });

  test('are spread over splits by quarters of the range, of which there are few whatever the numbers', async () => {
    expect([0, 2.49, 2.5, 10].map((value) => partOfRange(String(value), [0, 10]))).toEqual([
      ...['0 to 2.5', '0 to 2.5', '2.5 to 5', '7.5 to 10'],
    ]);
    const rng = new Rng('numbers');
    const rows = Array.from({ length: 400 }, (_, id) => ({ id, words: 'w', label: 10 * rng.uniform() ** 2 }));
    const split = { train: 0.5, val: 0, test: 0.5, seed: 0 };
    const { examples } = await ingested({ kind: 'score', range: [0, 10], prompt }, rows, { split }).result;
    const countOf = (wanted: string, part: string) =>
      examples.filter((one) => one.split === wanted && partOfRange(one.label, [0, 10]) === part).length;
    for (const part of ['0 to 2.5', '2.5 to 5', '5 to 7.5', '7.5 to 10'])
      expect(Math.abs(countOf('train', part) - countOf('test', part))).toBeLessThanOrEqual(1);
  });
});

describe('the reward', () => {
  const rewardOf = (answer: string, task: typeof score, reward: object) => {
    const rule = { formatWeight: 0, tokenCountMax: 9, reward: rewardSchema.parse(reward) };
    return ruledReward({ judgment: number(answer), tokenCount: 1 }, { label: '3.3', score: 3.3 }, task, rule);
  };

  test('is the distance as a share of the range, or exact within the tolerance', () => {
    expect(rewardOf('4.3', score, {}).value).toBeCloseTo(0.9, 12);
    expect(rewardOf('3.5', near, { score: 'exact' })).toMatchObject({ value: 1, accuracy: 1 });
    expect(rewardOf('3.51', near, { score: 'exact' })).toMatchObject({ value: 0, accuracy: 0 });
    expect(rewardOf('3.5', score, { score: 'exact' })).toMatchObject({ value: 0, accuracy: 0 });
    // The accuracy beside a distance is that of the tolerance.
    expect(rewardOf('3.5', near, {})).toMatchObject({ accuracy: 1, closeness: 0.98 });
  });

  test('of several criteria is the mean of theirs', () => {
    const said: Judgment = { ok: true, verdict: 'clear: 3, deep: 0.5, safe: no', rationale: '' };
    const valueOf = (reward: object) =>
      ruledReward({ judgment: said, tokenCount: 1 }, { label: 'clear: 4, deep: 0, safe: no' }, criteria, {
        ...{ formatWeight: 0, tokenCountMax: 9, reward: rewardSchema.parse(reward) },
      }).value;
    // Distances 1 of 4 and .5 of 2; within the tolerance of `deep` alone.
    expect(valueOf({})).toBeCloseTo((0.75 + 0.75 + 1) / 3, 12);
    expect(valueOf({ criteria: 'exact' })).toBeCloseTo(2 / 3, 12);
  });
});

describe('scores', () => {
  const settings = { split: 'test', resampleCount: 50, seed: 0 } as const;

  test('are those of numbers, and none of classes; worked by hand', () => {
    const scores = taskScores({ task: 't', spec: near, judged: judgedOf(pairs), ...settings });
    // Within .2: 2 of 2, 5.1 of 5. The last answer is unread, and has no error.
    expect(scores).toMatchObject({ accuracy: 2 / 4, unparsableRate: 1 / 4, correlation: { count: 3 } });
    expect(scores.absoluteError).toMatchObject({
      count: 3,
      mean: expect.closeTo(0.2, 12) as number,
      ofMedian: 9.5 / 4,
    });
    expect(scores.krippendorffAlpha).toBeGreaterThan(0.9);
    for (const name of [
      'macroF1',
      'ci95',
      'majorityMacroF1',
      'confusion',
      'cohenKappa',
      'balancedAccuracy',
      'baseRates',
    ])
      expect(scores).not.toHaveProperty(name);
    const sliced = taskScores({ task: 't', spec: { ...near, slices: ['a'] }, judged: judgedOf(pairs), ...settings });
    expect(sliced.slices?.[0]?.values[0]?.scores).toMatchObject({ accuracy: 0.5 });
    expect(sliced.slices?.[0]?.values[0]?.scores).not.toHaveProperty('macroF1');
  });

  test('of a judge that always gives one number say that it has learned nothing', () => {
    const scores = (answer: string) =>
      taskScores({ task: 't', spec: score, judged: judgedOf(pairs.map(([label]) => [label, answer])), ...settings });
    const lines = baselineLines([{ name: 'constant', scores: [scores('5')] }]);
    expect(lines).toEqual(['constant: mean error not below that of always the median, so nothing learned: t (2.38)']);
    const good = taskScores({ task: 't', spec: score, judged: judgedOf(pairs), ...settings });
    expect(baselineLines([{ name: 'good', scores: [good] }])).toEqual([]);
  });

  test('of criteria have Macro-F1 of those with labels alone', () => {
    const labels = ['clear: 4, deep: 0, safe: yes', 'clear: 2.5, deep: 1, safe: no'];
    const said = ['clear: 4, deep: 0.5, safe: yes', 'clear: 2, deep: 0, safe: yes'];
    const judged = labels.map((label, i): JudgedExample => ({
      example: { id: String(i), task: 't', split: 'test', images: [], fields: {}, label, groupKey: String(i) },
      judgment: { ok: true, verdict: required(said[i], 'an answer'), rationale: '' },
    }));
    const scores = taskScores({ task: 't', spec: criteria, judged, ...settings });
    const [clear, deep, safe] = scores.criteria ?? [];
    expect(clear).toMatchObject({ accuracy: 1 / 2, absoluteError: { mean: 0.25 } });
    expect(clear).not.toHaveProperty('macroF1');
    // .5 apart is right, 1 apart is not.
    expect(deep).toMatchObject({ accuracy: 1 / 2, absoluteError: { mean: 0.75 } });
    expect(safe?.macroF1).toBeCloseTo((2 / 3 + 0) / 2, 12);
    expect(scores.macroF1).toBe(safe?.macroF1);
    expect(scores).toMatchObject({ accuracy: 1 / 2, exactRate: 1 / 2 });
    const open = taskSchema.parse({ kind: 'criteria', range: [1, 5], prompt, criteria: { a: null, b: null } });
    expect(gateMetricsOf(open)).toEqual(['accuracy', 'exactRate']);
  });

  test('of a probe are its accuracy beside the strict one', () => {
    const strict = judgedOf(pairs);
    const asked = judgedOf(pairs.map(([label]) => [label, '2']));
    const { scores } = variantScores('blank-image', asked, strict, near, 20, new Rng('t'));
    expect(scores).toMatchObject({ accuracy: 1 / 4, strictAccuracy: 2 / 4 });
    expect(scores).not.toHaveProperty('macroF1');
  });

  test('of two arms differ by accuracy, which a judge without classes has', async () => {
    const outcomes = (right: (i: number) => boolean) =>
      Array.from({ length: 60 }, (_, i) => ({
        ...{ label: String(i), predicted: right(i) ? String(i) : '0.5', clusterKey: String(i) },
      }));
    const of = (right: (i: number) => boolean) => new Map([['t', outcomes(right)]]);
    const settingsOf = { labels: { t: classLabels(score) }, resampleCount: 500, seed: 0 };
    const turn = () => Promise.resolve();
    const [test1] = await taskTests(
      of((i) => i % 4 > 0),
      of((i) => i % 4 === 1),
      settingsOf,
      turn,
    );
    expect(test1?.difference).toBeCloseTo(0.5, 12);
    expect(test1?.ci95[0]).toBeGreaterThan(0.3);
    expect(test1?.p).toBeLessThan(0.01);
    const [same] = await taskTests(
      of((i) => i % 2 === 0),
      of((i) => i % 2 === 0),
      settingsOf,
      turn,
    );
    expect(same).toMatchObject({ difference: 0, p: 1 });
  });

  test('of recorded verdicts have intervals of the error, of alpha and of accuracy', () => {
    const rows = Array.from({ length: 50 }, (_, i) => ({
      ...{ id: String(i), label: String(i / 5), score: i / 5, groupKey: String(i) },
    }));
    const given = (shift: number) =>
      rows.map(({ id, score: value }, i) => {
        const text = i === 0 ? 'about two' : decimalOf(Math.min(10, value + shift * (i % 3)));
        return { rowId: id, order: 0, text, judgment: judgmentOf(text, near, {}) };
      });
    const scoring = scoreJudges(
      't',
      near,
      rows,
      new Map([
        ['a', given(0.1)],
        ['b', given(1)],
      ]),
      {
        ...{ resampleCount: 300, seed: 0 },
      },
    );
    const [a, b] = scoring.judges;
    expect(a?.scores).toMatchObject({ accuracy: 49 / 50, unparsableRate: 1 / 50, absoluteError: { count: 49 } });
    expect(a?.intervals).not.toHaveProperty('macroF1');
    expect(a?.intervals['absoluteError']).toEqual(a?.scores.absoluteError?.ci95);
    expect(Object.keys(b?.intervals ?? {}).sort()).toEqual([
      'absoluteError',
      'accuracy',
      'krippendorffAlpha',
      'unparsableRate',
    ]);
    expect(a?.unread).toEqual([{ text: 'about two', count: 1 }]);
    expect(scoring.tests[0]).toMatchObject({ judge: 'b', other: 'a', verdictCount: 50 });
    expect(scoring.tests[0]?.difference).toBeLessThan(-0.5);
  });
});
