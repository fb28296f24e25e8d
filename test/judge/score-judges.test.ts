/** Verdicts of other people's judges against labels: read from files, scored, and compared. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { projectRoot } from '../../core/project.ts';
import { Rng } from '../../core/rng.ts';
import { labelledRows } from '../../judge/datasets/labelled-rows.ts';
import { UnusableRow } from '../../judge/datasets/reading.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import { balancedAccuracy } from '../../judge/evaluation/balanced-accuracy.ts';
import { cohenKappa } from '../../judge/evaluation/cohen-kappa.ts';
import { macroF1 } from '../../judge/evaluation/macro-f1.ts';
import { countOutcome, macroF1Interval } from '../../judge/evaluation/statistics/bootstrap.ts';
import { mcNemar } from '../../judge/evaluation/statistics/mcnemar.ts';
import { givenVerdicts, judgmentOf, type JudgmentFields } from '../../judge/scoring/read-judgments.ts';
import { type LabelScore, labelScores } from '../../judge/scoring/label-sums.ts';
import { jointBootstrap } from '../../judge/scoring/joint-bootstrap.ts';
import { type JudgedVerdict, scoreJudges } from '../../judge/scoring/score-judges.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import { recipeOf } from './recipes.ts';
import { needSharedData } from '../support/needs.ts';

const pair: TaskSpec = { kind: 'pairwise', labels: ['first', 'second', 'tie'], prompt: '', ood: false };
const settings = { resampleCount: 500, seed: 0 };
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-score-'));
});

async function read(name: string, text: string, fields: Partial<JudgmentFields> = {}) {
  const path = join(folder, name);
  await writeFile(path, text);
  const found = [];
  for await (const one of givenVerdicts(path, { id: 'id', verdicts: ['verdict'], ...fields }, localFiles))
    found.push(
      one instanceof UnusableRow
        ? one.message
        : [one.judge, one.rowId, one.text ?? null, one.order].slice(0, one.order === 0 ? 3 : 4),
    );
  return found;
}

describe('verdicts are read from', () => {
  test('a column for each judge, in CSV, JSON Lines or an object with a judge a member', async () => {
    const wide = await read('wide.csv', 'id,a,b\n1,first,\n2,tie,second\n', { verdicts: ['a', 'b'] });
    expect(wide).toEqual([
      ['a', '1', 'first'],
      ['b', '1', null],
      ['a', '2', 'tie'],
      ['b', '2', 'second'],
    ]);
    const nested = await read('nested.jsonl', '{"id": 1, "judges": {"x": "first", "y": null}}\n', {
      verdicts: ['judges'],
    });
    expect(nested).toEqual([
      ['x', '1', 'first'],
      ['y', '1', null],
    ]);
  });

  test('a row for each verdict', async () => {
    const long = '[{"id": 7, "by": "x", "verdict": 3}, {"id": 7, "by": "y", "verdict": "2"}, {"id": 8, "verdict": 1}]';
    expect(await read('long.json', long, { judge: 'by' })).toEqual([
      ['x', '7', '3'],
      ['y', '7', '2'],
      'the row has no by',
    ]);
  });

  test('a list with the verdicts on each order, and a field that says that the candidates were exchanged', async () => {
    const listed = '{"id": 1, "answers": ["first", "second"]}\n{"id": 2, "answers": []}\n';
    expect(await read('listed.jsonl', listed, { verdicts: ['answers'] })).toEqual([
      ['answers', '1', 'first'],
      ['answers', '1', 'second', 1],
    ]);
    const turned = await read('turned.csv', 'id,verdict,turned\n1,first,TRUE\n1,second,0\n', { swapped: 'turned' });
    expect(turned).toEqual([
      ['verdict', '1', 'first', 1],
      ['verdict', '1', 'second'],
    ]);
  });

  test('no file of an unknown format', async () => {
    await expect(read('verdicts.xlsx', '')).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('labels of rows that rank images', () => {
  const rows = [
    { id: 'p1', images: ['a', 'b', 'c'], places: { rank: [2, 1, 3] } },
    { id: 'p2', images: ['d', 'e'], places: { rank: [1] } },
    { id: 'p3', images: ['f', 'g'], places: { rank: [1, 1] } },
    { id: 'p4', images: ['h', 'i', 'j'], places: { rank: [1, 1, 2] } },
  ];
  const recipe = (path: string) =>
    recipeOf({
      tasks: { pairs: { kind: 'pairwise', labels: ['first', 'second'], prompt: '<image> <image>' } },
      datasets: [
        {
          ...{ reader: 'jsonl', task: 'pairs', split: 'test', path, imageFolder: folder },
          fields: { images: ['image_0', 'image_1'], label: { lesserOf: ['rank_0', 'rank_1'] }, prompt: [] },
          ranking: { images: 'images', ranks: 'places.rank', to: 'pairs' },
        },
      ],
    });

  test('are those of the pairs, which form one group by row; rows in are pairs or quarantined', async () => {
    const path = join(folder, 'ranked.jsonl');
    await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const found = await labelledRows(recipe(path), 'pairs', localFiles);
    expect(found.rows.every(({ candidateLengths }) => candidateLengths?.join() === '0,0')).toBe(true);
    expect(found.rows.map(({ id, label, groupKey }) => ({ id, label, groupKey }))).toEqual([
      { id: 'p1-0-1', label: 'second', groupKey: 'p1' },
      { id: 'p1-0-2', label: 'first', groupKey: 'p1' },
      { id: 'p1-1-2', label: 'first', groupKey: 'p1' },
      { id: 'p4-0-2', label: 'first', groupKey: 'p4' },
      { id: 'p4-1-2', label: 'first', groupKey: 'p4' },
    ]);
    expect(found.quarantined.map(({ row, reason }) => [row, reason])).toEqual([
      [2, '2 images but 1 places.rank'],
      [3, 'places.rank ranks all images the same'],
    ]);
  });
});

test('a verdict is a label, a mapped value or a whole answer, and nothing else', () => {
  const judged = (text: string | undefined) => {
    const judgment = judgmentOf(text, pair, { A: 'first' });
    return judgment.ok ? judgment.verdict : judgment.reason;
  };
  expect(['first', ' tie ', 'A', '<answer> second </answer>'].map(judged)).toEqual(['first', 'tie', 'first', 'second']);
  expect(judged('<think> a tie? no </think> <answer> second </answer>')).toBe('second');
  expect(['First', 'I say first', 'first second', '<answer> third </answer>'].map(judged)).toEqual(
    Array.from({ length: 4 }, () => 'verdict-not-a-label'),
  );
  expect(judged(undefined)).toBe('verdict-missing');
  const score: TaskSpec = { kind: 'score', labels: ['1', '5'], real: true, prompt: '', ood: false };
  expect(judgmentOf('2.5', score, {})).toMatchObject({ ok: true, score: 2.5 });
  expect(judgmentOf('7', score, {})).toMatchObject({ ok: false, reason: 'verdict-out-of-range' });
  const lines = { ...pair, verdictFormat: 'last-line' as const };
  expect(judgmentOf('The second is blurred.\nfirst', lines, {})).toMatchObject({ ok: true, verdict: 'first' });
});

const given = (rowId: number, verdict: string | undefined, more: Partial<JudgedVerdict> = {}): JudgedVerdict => ({
  ...{ rowId: String(rowId), order: 0, text: verdict, judgment: judgmentOf(verdict, pair, {}) },
  ...more,
});
const rowsOf = (labels: readonly string[]) => labels.map((label, i) => ({ id: String(i), label, groupKey: String(i) }));

test('scores; worked by hand', () => {
  const rows = rowsOf(['first', 'first', 'second', 'tie', 'tie']);
  const verdicts = new Map([
    ['a', [given(0, 'first'), given(1, 'second'), given(2, 'tie'), given(3, 'tie'), given(4, 'rubbish')]],
    ['b', [given(0, 'first', { cost: 2 }), given(1, 'first', { cost: 4 }), given(9, 'first')]],
    ['c', [given(9, 'first')]],
  ]);
  const { judges, tests } = scoreJudges('pairs', pair, rows, verdicts, settings);
  expect(judges).toMatchObject([
    {
      ...{ judge: 'a', verdictCount: 5, missingCount: 0, unread: [{ text: 'rubbish', count: 1 }] },
      scores: {
        accuracy: 2 / 5,
        unparsableRate: 1 / 5,
        withoutTies: { judgmentCount: 3, accuracy: 1 / 3 },
        tieRate: 2 / 4,
      },
    },
    { judge: 'b', verdictCount: 2, missingCount: 3, scores: { accuracy: 1 }, cost: { count: 2, sum: 6, mean: 3 } },
  ]);
  expect(tests).toMatchObject([{ judge: 'b', other: 'a', verdictCount: 2, difference: 1 / 2 }]);
});

test('where both orders are there, a judge that names a place is not consistent, and a tie agrees with a tie', () => {
  const rows = rowsOf(['first', 'second', 'tie']);
  const both = (verdict: (row: number, swapped: boolean) => string) =>
    rows.flatMap((_, row) => [0, 1].map((order) => given(row, verdict(row, order === 1), { order })));
  const looks = ['first', 'second', 'tie'];
  const turned = ['second', 'first', 'tie'];
  const { judges } = scoreJudges(
    ...(['pairs', pair, rows] as const),
    new Map([
      ['looks', both((row, swapped) => (swapped ? turned : looks)[row] ?? '')],
      ['place', both(() => 'first')],
    ]),
    settings,
  );
  expect(judges.map(({ scores }) => [scores.accuracy, scores.consistencyRate])).toEqual([
    [1, 1],
    [2 / 6, 0],
  ]);
});

test('of repeated verdicts the first counts, in whatever order the file has both orders of a row', () => {
  const rows = rowsOf(['first', 'second', 'first']);
  const verdicts = [
    given(0, 'second', { order: 1 }),
    given(0, 'first'),
    given(0, 'second'),
    given(1, 'first', { order: 1 }),
  ];
  const { judges } = scoreJudges('pairs', pair, rows, new Map([['a', verdicts]]), settings);
  const [{ scores, ...judge }] = judges as [(typeof judges)[number]];
  expect(judge).toMatchObject({ verdictCount: 3, repeatedCount: 1, missingCount: 1 });
  // Row 0 in both orders, and row 1 exchanged alone, where first is right.
  expect(scores).toMatchObject({ accuracy: 1, consistencyRate: 1 });
  // Two of three verdicts say first, as two of three labels do in the orders that were asked.
  expect(judge.firstPlace).toEqual({ verdicts: 2 / 3, labels: 2 / 3 });
});

test('texts of candidates give the baselines of the rows that a judge judged', () => {
  const rows = [
    { id: '0', label: 'first', groupKey: '0', candidateLengths: [9, 2] },
    { id: '1', label: 'second', groupKey: '1', candidateLengths: [9, 2] },
    { id: '2', label: 'second', groupKey: '2', candidateLengths: [1, 2] },
  ];
  const { judges } = scoreJudges(
    'pairs',
    pair,
    rows,
    new Map([['a', [given(0, 'first'), given(1, 'first')]]]),
    settings,
  );
  expect(judges[0]?.scores.baselines).toEqual({ alwaysFirst: 1 / 2, longest: 1 / 2, shortest: 1 / 2 });
});

test('rankings and criteria have intervals of what they are right in part', () => {
  const ranking: TaskSpec = { kind: 'ranking', labels: ['A', 'B', 'C'], prompt: '', ood: false };
  const rank = (i: number, text: string) => ({
    ...{ rowId: String(i), order: 0, text },
    judgment: { ok: true as const, verdict: text, rationale: '' },
  });
  const order = scoreJudges(
    ...(['order', ranking, rowsOf(['A > B > C', 'B > A > C'])] as const),
    new Map([['a', [rank(0, 'A > C > B'), rank(1, 'B > A > C')]]]),
    settings,
  ).judges[0];
  expect(order?.scores.pairAccuracy).toBeCloseTo(5 / 6, 12);
  expect(order?.scores.exactRate).toBe(1 / 2);
  expect(order?.intervals['pairAccuracy']).toEqual([2 / 3, 1]);
  expect(order?.intervals['exactRate']).toEqual([0, 1]);

  const criteria: TaskSpec = {
    ...{ kind: 'criteria', labels: ['good', 'bad'], prompt: '', ood: false },
    criteria: { clear: ['1', '2'], safe: ['yes', 'no'] },
  };
  const several = scoreJudges(
    ...(['both', criteria, rowsOf(['clear: 1, safe: yes', 'clear: 2, safe: yes'])] as const),
    new Map([['a', [rank(0, 'clear: 1, safe: no'), rank(1, 'clear: 2, safe: yes')]]]),
    settings,
  ).judges[0];
  expect(several?.scores).toMatchObject({ accuracy: 3 / 4, exactRate: 1 / 2 });
  expect(several?.intervals.accuracy).toEqual([1 / 2, 1]);
  expect(several?.intervals.macroF1).toEqual(several?.scores.ci95);
});

test('scores of sums are those of the outcomes that were counted', () => {
  const labels = ['a', 'b', 'c'] as const;
  const said = fc.record({ label: fc.constantFrom(...labels), predicted: fc.constantFrom(...labels, undefined) });
  fc.assert(
    fc.property(fc.array(said, { minLength: 1, maxLength: 30 }), (outcomes) => {
      const sums = new Float64Array(9);
      for (const outcome of outcomes) countOutcome(sums, 0, outcome, labels);
      const of = (name: LabelScore) => labelScores[name](sums, 0, 3, outcomes.length);
      expect(of('macroF1')).toBeCloseTo(macroF1(outcomes, labels), 12);
      expect(of('balancedAccuracy')).toBeCloseTo(balancedAccuracy(outcomes, labels), 12);
      const kappa = cohenKappa(outcomes);
      if (kappa === undefined) expect(of('cohenKappa')).toBeNaN();
      else expect(of('cohenKappa')).toBeCloseTo(kappa, 12);
    }),
  );
});

test('a choice is scored in all rotations of the candidates of its row', () => {
  const choice: TaskSpec = { kind: 'choice', labels: ['A', 'B', 'C', 'D'], prompt: '', ood: false };
  const rows = [{ id: '0', label: 'B', groupKey: '0', candidateLengths: [0, 0, 0] }];
  const said = ['B', 'A', 'C'].map((text, order) => given(0, text, { order, judgment: judgmentOf(text, choice, {}) }));
  const { judges } = scoreJudges('best', choice, rows, new Map([['a', said]]), settings);
  expect(judges[0]?.scores).toMatchObject({ accuracy: 1, consistencyRate: 1, consistentAccuracy: 1 });
  expect(judges[0]?.scores.positionRates).toEqual([1 / 3, 1 / 3, 1 / 3]);
});

describe('the joint bootstrap', () => {
  const labels = ['first', 'second', 'tie'];
  const judgeOf = (name: string, rightShare: number, count = 300) => {
    const rng = new Rng('judge', name);
    const keys = Array.from({ length: count }, (_, i) => String(i));
    return new Map(
      keys.map((key, i) => {
        const label = required(labels[i % 3], 'a label');
        const predicted = rng.chance(rightShare) ? label : rng.pick(labels);
        return [key, { label, predicted, clusterKey: String(i >> 1) }] as const;
      }),
    );
  };
  const [good, fair, few] = [judgeOf('good', 0.8), judgeOf('fair', 0.5), judgeOf('few', 0.5, 20)];

  test('has the intervals of each judge alone, to the error of resampling', () => {
    const { intervals } = jointBootstrap([good, fair], labels, 2000, new Rng('a'));
    for (const [j, outcomes] of [good, fair].entries()) {
      const { macroF1, accuracy } = required(intervals[j], 'a judge');
      const alone = macroF1Interval([...outcomes.values()], labels, 2000, new Rng('b'));
      expect(macroF1?.[0]).toBeCloseTo(alone[0], 1.7);
      expect(macroF1?.[1]).toBeCloseTo(alone[1], 1.7);
      const right = [...outcomes.values()].filter(({ label, predicted }) => label === predicted).length / outcomes.size;
      expect(accuracy?.[0]).toBeLessThan(right);
      expect(accuracy?.[1]).toBeGreaterThan(right);
    }
  });

  test('finds a difference that McNemar finds, and none between a judge and itself', () => {
    const { differences } = jointBootstrap([good, fair, good], labels, 2000, new Rng('a'));
    const ofFair = differences[1]?.[0];
    expect(ofFair?.difference).toBeLessThan(-0.1);
    expect(ofFair?.p).toBeLessThan(0.01);
    expect(mcNemar([...fair.values()], [...good.values()]).exactP).toBeLessThan(0.01);
    expect(differences[2]?.[0]).toEqual({ difference: 0, ci95: [0, 0], p: 1 });
  });

  test('compares judges on the examples of both', () => {
    const { differences } = jointBootstrap([good, few], labels, 500, new Rng('a'));
    const shared = [...few.keys()].map((key) => [few.get(key), good.get(key)] as const);
    const gain = shared.map(
      ([own, other]) => Number(own?.label === own?.predicted) - Number(other?.label === other?.predicted),
    );
    expect(differences[1]?.[0]?.difference).toBeCloseTo(gain.reduce((a, b) => a + b) / 20, 12);
  });
});

const benchmarks = needSharedData('judge-benchmarks');

describe.skipIf(benchmarks.isMissing)('GenAI-Bench, as published', () => {
  test.each([
    ['generation', { gpt4o: '45.59', 'gemini-1.5-pro': '44.67' }],
    ['edition', { gpt4o: '53.54', 'gemini-1.5-pro': '55.93' }],
  ])('image %s', async (part, published) => {
    const { parsed } = loadRecipeFile(join(projectRoot, 'recipes/judge-benchmarks.yaml'), []);
    const task = `genai-image-${part}`;
    const spec = required(parsed.tasks[task], task);
    const { rows, quarantined } = await labelledRows(parsed, task, localFiles);
    expect(quarantined).toEqual([]);
    const { labelMap = {} } = parsed.datasets.find((dataset) => 'task' in dataset && dataset.task === task) as {
      labelMap?: Record<string, string>;
    };
    const path = join(required(benchmarks.found, 'data'), `judge-benchmarks/genai-bench.image-${part}.jsonl`);
    const verdicts = new Map<string, JudgedVerdict[]>();
    for await (const one of givenVerdicts(path, { id: 'idx', verdicts: ['judges'] }, localFiles)) {
      if (one instanceof UnusableRow) throw one;
      const { judge, ...of } = one;
      verdicts.set(judge, [...(verdicts.get(judge) ?? []), { ...of, judgment: judgmentOf(one.text, spec, labelMap) }]);
    }
    const { judges } = scoreJudges(task, spec, rows, verdicts, { resampleCount: 50, seed: 0 });
    expect(judges).toHaveLength(6);
    const found = judges.map(({ judge, scores }) => [judge, (100 * scores.accuracy).toFixed(2)]);
    expect(Object.fromEntries(found)).toMatchObject(published);
  });
});
