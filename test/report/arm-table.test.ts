import { parseHTML } from 'linkedom';
import { expect, test } from 'vitest';
import { meanColumn } from '../../judge/evaluation/arms/arm-scores.ts';
import { armClaims } from '../../judge/report/arms/arm-claims.ts';
import { armTable, referenceOf, testOf } from '../../judge/report/arms/arm-table.ts';
import { latexText, tableFiles } from '../../judge/report/arms/table-files.ts';
import { renderReport } from '../../judge/report/render.ts';
import { madeUpReport } from './made-up.ts';
import { armScore, armTest, madeUpArms } from './made-up-arms.ts';

const data = madeUpArms();
const page = renderReport(data);
const { document } = parseHTML(page);
const textOf = (element: { readonly textContent: string | null }): string =>
  (element.textContent ?? '').replace(/\s+/g, ' ').trim();

/** The cells of a row, separated. */
const cellsOf = (row: { readonly children: Iterable<{ readonly textContent: string | null }> }): string =>
  [...row.children].map(textOf).join(' | ');

test('the Markdown table has the arms in their order, the unseen task last, stars against mt-rl, the best in bold', () => {
  expect(tableFiles(data).md.split('\n').slice(0, 7)).toEqual([
    '| Arm | safety | technical | mean | pair (never trained) |',
    '| --- | ---: | ---: | ---: | ---: |',
    '| base | 70.0\\* (68.0–72.0) | 66.0 (64.0–68.0) | 68.0\\*\\* (66.0–70.0) | 60.0\\*\\*\\* (58.0–62.0) |',
    '| sft-single | 80.0\\* (78.0–82.0) | 82.0 (80.0–84.0) | 81.0\\*\\* (79.0–83.0) | 55.0\\*\\*\\* (53.0–57.0) |',
    '| sft-unified | 81.0\\* (79.0–83.0) | 83.0 (81.0–85.0) | 82.0\\*\\* (80.0–84.0) | 50.0\\*\\*\\* (48.0–52.0) |',
    '| rl-single | 97.0\\* (95.0–99.0) | 96.0 (94.0–98.0) | 96.5 (94.5–98.5) | 80.0\\*\\*\\* (78.0–82.0) |',
    '| mt-rl | **98.0** (96.0–100.0) | **97.0** (95.0–99.0) | **97.5** (95.5–99.5) | **95.0** (93.0–97.0) |',
  ]);
});

test('the note says over how many seeds, what the stars compare with, and how specialists are scored', () => {
  const note = tableFiles(data).md.split('\n')[8] ?? '';
  expect(note).toContain('mean over 1 or 3 seeds');
  expect(note).toContain('differs from mt-rl at p < .05, .01, .001');
  expect(note).toContain('sft-single, rl-single: each task is scored by its own specialist');
});

test('the CSV has a line for each cell, in full precision, with the test against the reference', () => {
  const lines = tableFiles(data).csv.split('\n');
  expect(lines).toHaveLength(1 + 5 * 4 + 1);
  expect(lines[0]).toBe(
    'arm,column,never_trained,seed_count,macro_f1,ci95_low,ci95_high,seed_deviation,reference,difference,difference_ci95_low,difference_ci95_high,p,p_holm',
  );
  const [arm, column, unseen, seeds, value, , , deviation, reference, difference] = lines[4]?.split(',') ?? [];
  expect([arm, column, unseen, seeds, value, deviation]).toEqual(['base', 'pair', 'true', '1', '0.6', '']);
  expect([reference, difference]).toEqual(['mt-rl', '-0.35']);
  expect(lines.at(-3)).toMatch(/^mt-rl,mean,false,3,0\.975,/);
});

test('the LaTeX table is a tabular with spans, and its text is escaped', () => {
  const lines = tableFiles(data).tex.split('\n');
  expect(lines[1]).toBe('\\begin{tabular}{lrrrr}');
  expect(lines[3]).toBe(' & \\multicolumn{3}{c}{in distribution} & \\multicolumn{1}{c}{never trained} \\\\');
  expect(lines[6]).toBe(
    'base & 70.0$^{*}$ {\\scriptsize (68.0--72.0)} & 66.0 {\\scriptsize (64.0--68.0)} & ' +
      '68.0$^{**}$ {\\scriptsize (66.0--70.0)} & 60.0$^{***}$ {\\scriptsize (58.0--62.0)} \\\\',
  );
  expect(latexText('50 % of a_b & {c} \\ ~ ^ # $')).toBe(
    '50 \\% of a\\_b \\& \\{c\\} \\textbackslash{} \\textasciitilde{} \\textasciicircum{} \\# \\$',
  );
});

test('equal data give equal bytes, of the page and of every file', () => {
  expect(renderReport(madeUpArms())).toBe(page);
  expect(tableFiles(madeUpArms())).toEqual(tableFiles(data));
});

test('the reference is the arm with RL on the most tasks, else the last arm; never a point of a sweep', () => {
  expect(referenceOf(data)).toBe('mt-rl');
  const oneTaskFirst = data.arms.map((arm) =>
    arm.arm === 'sft-unified' ? { ...arm, objective: 'rl' as const, trainedTaskCount: 1 } : arm,
  );
  expect(referenceOf({ arms: oneTaskFirst })).toBe('mt-rl');
  const supervised = data.arms.filter(({ objective, varied }) => objective !== 'rl' || varied !== undefined);
  expect(referenceOf({ arms: supervised })).toBe('sft-unified');
  expect(armTable({ ...data, arms: [] }).reference).toBeUndefined();
});

test('a test is found from either side, turned round', () => {
  const tests = [armTest('b', 'a', 'x', 0.25, 0.01)];
  expect(testOf(tests, 'b', 'a', 'x')).toMatchObject({ difference: 0.25, ci95: [0.24, 0.26] });
  expect(testOf(tests, 'a', 'b', 'x')).toMatchObject({
    arm: 'a',
    otherArm: 'b',
    difference: -0.25,
    ci95: [-0.26, -0.24],
  });
  expect(testOf(tests, 'a', 'b', 'y')).toBeUndefined();
});

test('sentences claim a difference only where its test does, and say so where none can be claimed', () => {
  const claims = armClaims(data);
  expect(claims.map(({ arms }) => arms)).toEqual(
    ['base', 'sft-single', 'sft-unified', 'rl-single'].map((other) => `mt-rl and ${other}`),
  );
  expect(claims[0]?.sentences).toEqual([
    'On the mean of 2 trained tasks, mt-rl is higher than base: 97.5 (95.5–99.5) against 68.0 (66.0–70.0); difference 30.0 (29.0–31.0), p = .002.',
    'On pair, which was never trained, mt-rl is higher than base: 95.0 (93.0–97.0) against 60.0 (58.0–62.0); difference 35.0 (34.0–36.0), p < .001.',
    'Task by task, mt-rl compared with base is higher on safety; nothing can be claimed on technical.',
  ]);
  expect(claims[3]?.sentences[0]).toContain('no difference between mt-rl and rl-single can be claimed: 97.5');
});

test('where all arms tie, none is the best', () => {
  const arms = data.arms.map((arm) => ({ ...arm, scores: { ...arm.scores, pair: armScore(0.5) } }));
  const { rows, columns } = armTable({ ...data, arms });
  const best = rows.map(({ cells }) => columns.filter((_, i) => cells[i]?.isBest).map(({ name }) => name));
  expect(best).toEqual([[], [], [], [], ['safety', 'technical', meanColumn]]);
});

test('intervals by task are those of arms over their seeds', () => {
  const [safety] = [...document.querySelectorAll('#intervals figure')];
  const names = [...(safety?.querySelectorAll('.name') ?? [])].map(textOf);
  expect(names).toEqual(['base', 'sft-single', 'sft-unified', 'rl-single', 'mt-rl']);
  expect(safety && textOf(safety)).toContain('mt-rl98.0 96.0–100.0');
});

test('without a test nothing is claimed', () => {
  const [first] = armClaims({ ...data, armTests: [] });
  expect(first?.sentences).toEqual([
    'On the mean of 2 trained tasks, mt-rl and base were not tested.',
    'On pair, which was never trained, mt-rl and base were not tested.',
  ]);
});

test('the page shows the table of arms first, and the runs one by one below it', () => {
  const heads = [...document.querySelectorAll('#answer table.arms thead tr:last-child th')].map(textOf);
  expect(heads).toEqual(['safety', 'technical', 'mean', 'pair']);
  const rows = [...document.querySelectorAll('#answer table.arms tbody tr')].map(textOf);
  expect(rows).toHaveLength(5);
  expect(rows[3]).toContain('rl-single GRPO, think, one judge a task, 3 seeds');
  expect(rows[3]).toContain('97.0* 95.0–99.0seeds ± 1.0');
  expect([...document.querySelectorAll('#answer details summary')].map(textOf)).toEqual([
    'All paired tests of arms (8 of 16)',
    `Runs one by one (${String(data.runs.length)})`,
  ]);
  expect(textOf(document.querySelector('.headline') ?? document)).toBe(
    '97.5 95.5–99.5mt-rl: mean of the trained tasks; base 68.0 95.0 93.0–97.0mt-rl: pair, never trained; base 60.0',
  );
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});

test('with one run an arm the page is that of runs, unless some are points of a sweep', () => {
  const one = madeUpReport();
  expect(parseHTML(renderReport(one)).document.querySelector('table.arms')).toBeNull();
  const [base, ...others] = one.arms;
  if (base === undefined) throw new Error('arms');
  const swept = { ...base, varied: { sweep: 's', values: { groupSize: 4 } } };
  const shown = parseHTML(renderReport({ ...one, arms: [swept, ...others] })).document;
  expect(shown.querySelectorAll('table.arms tbody tr')).toHaveLength(2);
});

test('training curves have one line an arm, with a band where it has several runs, and none for points of sweeps', () => {
  const legend = [...document.querySelectorAll('#training h3')].map(textOf);
  expect(legend).toEqual([
    'Reinforcement learning rl-singlemt-rl',
    'Accuracy by task rl-singlemt-rl',
    'Supervised sft-singlesft-unified',
  ]);
  const one = parseHTML(renderReport(madeUpReport())).document;
  expect(one.querySelectorAll('#training [aria-label="area"]')).toHaveLength(0);
});

test('a sweep has a chart of the mean and of the unseen task, a line for each choice of the other field', () => {
  const charts = [...document.querySelectorAll('#sweeps figure')];
  expect(charts.map((chart) => textOf(chart.querySelector('figcaption') ?? chart))).toEqual([
    'mean of trained tasksby optimizer.learningRate',
    'pair, never trainedby optimizer.learningRate',
  ]);
  expect(textOf(document.querySelector('#sweeps h3') ?? document)).toBe('rates groupSize 4groupSize 8');
  expect(charts[0]?.querySelectorAll('[aria-label="line"] path')).toHaveLength(2);
  expect(charts[0]?.querySelectorAll('[aria-label="area"] path')).toHaveLength(2);
  const rows = [...document.querySelectorAll('#sweeps tbody tr')].map(cellsOf);
  expect(rows[1]).toBe('rates/0.0001/4 | 95.0 (93.0–97.0) | 85.0 (83.0–87.0)');
});

test('a sweep of lists is drawn by their length, one of names by the names', () => {
  const points = [['a'], ['a', 'b'], ['a', 'b', 'c']].map((tasks, i) => {
    const score = { value: 0.5 + i / 10, ci95: [0.4, 0.8] as const, bySeed: [0.5 + i / 10] };
    const varied = { sweep: 'tasks', values: { tasks } };
    return { ...firstArm(), arm: `tasks/tasks-${String(i + 1)}`, varied, scores: { [meanColumn]: score } };
  });
  const named = points.map((point, i) => ({
    ...{ ...point, arm: `modes/${String(i)}` },
    varied: { sweep: 'modes', values: { mode: ['think', 'direct', 'other'][i] ?? '' } },
  }));
  const swept = parseHTML(renderReport({ ...data, arms: [firstArm(), ...points, ...named] })).document;
  const ticks = [...swept.querySelectorAll('#sweeps figure')].map((chart) =>
    textOf(chart.querySelector('[aria-label="x-axis tick label"]') ?? chart),
  );
  expect(ticks).toEqual(['123', 'thinkdirectother']);
});

test('costs are summed by arm', () => {
  const rows = [...document.querySelectorAll('#cost table tbody tr')].map(cellsOf);
  expect(rows[0]).toBe('base | 1 | 0 | 30.0 s | 20.0 s | 0');
  expect(rows[3]).toMatch(/^rl-single \| 6 \| \d+ \| 3 min 00 s \| 2 min 00 s \| 0$/);
});

function firstArm() {
  const [first] = data.arms;
  if (first === undefined) throw new Error('arms');
  return first;
}
