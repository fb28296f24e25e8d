import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { macroF1 } from '../../judge/evaluation/macro-f1.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import type { Example, Judgment } from '../../judge/example.ts';
import { ruledReward } from '../../judge/rewards.ts';
import { readFirstLabel } from '../../judge/tasks/first-label.ts';
import { readVerdict } from '../../judge/tasks/read-verdict.ts';
import { rewardSchema } from '../../recipes/fields/reward-fields.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';

const spec: TaskSpec = {
  ...{ kind: 'criteria', labels: ['1', '2', '3', '4', '5'], prompt: '{{ text }} {{ mode_word }}', ood: false },
  criteria: { clarity: null, detail: null, safe: ['yes', 'no'] },
};
const recipeOf = (task: object, dataset: object) =>
  parseRecipe({
    ...{ name: 'criteria', policy: { config: './demo-config', initSeed: 0 }, tasks: { scored: task } },
    datasets: [{ reader: 'jsonl', task: 'scored', split: 'test', path: 'rows.jsonl', ...dataset }],
    ...{ arms: { base: { objective: 'none', mode: 'direct' } }, quarantineRateMax: 1 },
  });
const fields = {
  ...{ images: [], prompt: ['text'] },
  label: { criteria: { clarity: 'c', detail: 'd', safe: 'is_safe' } },
};
const task = { kind: 'criteria', labels: ['1', '2', '3', '4', '5'], criteria: spec.criteria, prompt: spec.prompt };
const said = (verdict: string): Judgment => ({ ok: true, verdict, rationale: '' });
const exampleOf = (label: string, id = label): Example => ({
  ...{ id, task: 'scored', split: 'test', images: [], fields: {}, label, groupKey: id },
});

describe('several criteria in one answer', () => {
  const read = (text: string, verdictFormat: TaskSpec['verdictFormat'] = 'tagged') =>
    readVerdict({ text, finishReason: 'stop' }, { ...spec, verdictFormat }, 'direct');
  const whole = 'clarity: 4, detail: 2, safe: yes';

  test.each([
    ['tagged', `<answer> ${whole} </answer>`],
    ['tagged', '<answer>safe: yes\ndetail: 2\nclarity: 4</answer>'],
    ['json', `{"verdict": "${whole}"}`],
    ['json', '{"verdict": {"detail": 2, "clarity": "4", "safe": "yes"}}'],
    ['last-line', whole],
  ] as const)('are read strictly, in any order: %s %s', (format, text) => {
    expect(read(text, format)).toEqual(said(whole));
  });

  test.each([
    ['one missing', 'clarity: 4, safe: yes', 'criterion-missing'],
    ['one too many', `${whole}, style: 3`, 'criterion-extra'],
    ['one named twice', `${whole}, safe: no`, 'verdict-not-a-label'],
    ['a label that it has not', 'clarity: 6, detail: 2, safe: yes', 'verdict-not-a-label'],
    ['the label of another', 'clarity: yes, detail: 2, safe: yes', 'verdict-not-a-label'],
    ['no names', '4, 2, yes', 'verdict-not-a-label'],
  ])('are unparsable with %s', (_, text, reason) => {
    expect(read(`<answer> ${text} </answer>`)).toEqual({ ok: false, reason });
  });

  test('have one verdict in JSON, and no field twice', () => {
    const twice = '{"verdict": {"detail": 2, "detail": 3, "clarity": 4, "safe": "yes"}}';
    expect(read(twice, 'json')).toMatchObject({ ok: false, reason: 'verdict-repeated' });
    const nested = { kind: 'pointwise', labels: ['yes', 'no'] as [string, string], verdictFormat: 'json' } as const;
    expect(readVerdict({ text: '{"verdict": {"a": "yes"}}', finishReason: 'stop' }, nested, 'direct')).toMatchObject({
      reason: 'verdict-repeated',
    });
  });

  test('are found leniently where they stand alone', () => {
    const text = `<think> so </think> ${whole}`;
    expect(readFirstLabel({ text, finishReason: 'stop' }, spec)).toMatchObject({ verdict: whole });
    expect(readFirstLabel({ text: 'clarity is good', finishReason: 'stop' }, spec)).toMatchObject({ ok: false });
  });
});

describe('a row', () => {
  test('has a label for each criterion, in columns', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mtrl-criteria-'));
    const rows = [
      { text: 'a', c: 4, d: '2.0', is_safe: 'yes' },
      { text: 'b', c: 9, d: 2, is_safe: 'no' },
      { text: 'c', c: 1, d: 2 },
    ];
    const path = join(folder, 'rows.jsonl');
    await writeFile(path, rows.map((row, i) => JSON.stringify({ id: String(i), ...row })).join('\n'));
    const { examples, quarantined } = await ingestDatasets(recipeOf(task, { fields, path }), {
      image: () => undefined,
    });
    expect(examples.map(({ label }) => label)).toEqual(['clarity: 4, detail: 2, safe: yes']);
    expect(quarantined.map(({ code }) => code)).toEqual(['LABEL_UNKNOWN', 'FIELD_MISSING']);
  });

  test.each([
    ['no criteria', { ...task, criteria: undefined }, {}, 'tasks.scored.criteria'],
    ['one alone', { ...task, criteria: { clarity: null } }, {}, 'at least two criteria'],
    ['no field of one', task, { label: { criteria: { clarity: 'c' } } }, 'a field for each of clarity, detail, safe'],
    ['criteria of another kind', { ...task, kind: 'score' }, {}, 'the kind is not criteria'],
    ['a name with a colon', { ...task, criteria: { 'a:b': null, c: null } }, {}, 'criteria'],
  ])('cannot have one where the recipe has %s', (_, wrong, change, message) => {
    expect(() => recipeOf(wrong, { fields: { ...fields, ...change } })).toThrow(message);
  });
});

test('scores of each criterion, and their mean; worked by hand', () => {
  const judged = [
    { example: exampleOf('clarity: 4, detail: 2, safe: yes', 'a'), judgment: said('clarity: 4, detail: 2, safe: yes') },
    { example: exampleOf('clarity: 4, detail: 2, safe: no', 'b'), judgment: said('clarity: 5, detail: 2, safe: yes') },
    {
      example: exampleOf('clarity: 1, detail: 3, safe: no', 'c'),
      judgment: { ok: false, reason: 'criterion-missing' },
    },
  ] as const;
  const scores = taskScores({ task: 'scored', spec, split: 'test', judged, resampleCount: 50, seed: 0 });
  const [clarity, detail, safe] = required(scores.criteria, 'criteria');
  expect([clarity, detail, safe].map((one) => one?.accuracy)).toEqual([1 / 3, 2 / 3, 1 / 3]);
  const safety = [
    { label: 'yes', predicted: 'yes' },
    { label: 'no', predicted: 'yes' },
    { label: 'no', predicted: undefined },
  ];
  expect(safe?.macroF1).toBe(macroF1(safety, ['yes', 'no']));
  expect(clarity?.correlation?.count).toBe(2);
  expect(safe?.correlation).toBeUndefined();
  expect(scores).toMatchObject({
    exactRate: 1 / 3,
    unparsableRate: 1 / 3,
    accuracy: expect.closeTo(4 / 9, 9) as number,
  });
  const mean = ((clarity?.macroF1 ?? 0) + (detail?.macroF1 ?? 0) + (safe?.macroF1 ?? 0)) / 3;
  expect(scores.macroF1).toBeCloseTo(mean, 9);
  expect(scores.ci95?.[0]).toBeLessThanOrEqual(mean);
  expect(scores.ci95?.[1]).toBeGreaterThanOrEqual(mean);
});

test('rewards the mean of the criteria: by distance where labels are numbers, or exactly', () => {
  const rewardFor = (reward: object) =>
    ruledReward(
      { judgment: said('clarity: 5, detail: 2, safe: no'), tokenCount: 1 },
      exampleOf('clarity: 4, detail: 2, safe: yes'),
      spec,
      { formatWeight: 0, tokenCountMax: 9, reward: rewardSchema.parse(reward) },
    ).value;
  expect(rewardFor({})).toBeCloseTo((3 / 4 + 1 + 0) / 3, 9);
  expect(rewardFor({ criteria: 'exact' })).toBeCloseTo(1 / 3, 9);
});
