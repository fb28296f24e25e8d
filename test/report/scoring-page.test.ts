import { parseHTML } from 'linkedom';
import { expect, test } from 'vitest';
import { renderScoring, type ScoringReport } from '../../judge/report/scoring-page.ts';
import { judgmentOf } from '../../judge/scoring/read-judgments.ts';
import { type JudgedVerdict, scoreJudges } from '../../judge/scoring/score-judges.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import { hostile } from './made-up.ts';

const spec: TaskSpec = { kind: 'pairwise', labels: ['first', 'second'], prompt: '', ood: false };
const rows = Array.from({ length: 60 }, (_, i) => ({
  ...{ id: String(i), label: i % 2 === 0 ? 'first' : 'second', groupKey: String(i) },
}));
const turned: Record<string, string> = { first: 'second', second: 'first' };
const verdict = (rowId: string, text: string, more: Partial<JudgedVerdict> = {}): JudgedVerdict => ({
  ...{ rowId, order: 0, text, judgment: judgmentOf(text, spec, {}), ...more },
});
const verdicts = new Map([
  ['places', rows.flatMap(({ id }) => [verdict(id, 'first'), verdict(id, 'first', { order: 1 })])],
  [
    hostile,
    rows.flatMap(({ id, label }, i) => [
      verdict(id, i < 3 ? `${hostile} ${'x'.repeat(5_000)}` : label, { cost: 0.5, latency: 2 }),
      verdict(id, turned[label] ?? '', { order: 1, cost: 0.5 }),
    ]),
  ],
]);
const report: ScoringReport = {
  ...{ task: 'pairs', spec, recipe: 'r.yaml', recipeDigest: 'a'.repeat(64), judgments: 'v.csv', exampleCount: 60 },
  ...{ resampleCount: 400, seed: 0, unusable: [`the row has no ${hostile}`] },
  leftOutCount: 7,
  quarantined: [{ source: hostile, row: 3, code: 'LABEL_UNKNOWN', reason: hostile, excerpt: '' }],
  scoring: scoreJudges('pairs', spec, rows, verdicts, { resampleCount: 400, seed: 0 }),
};
const page = renderScoring(report);
const { document } = parseHTML(page);
const textOf = (selector: string): string => document.querySelector(selector)?.textContent.replace(/\s+/g, ' ') ?? '';
const cellsOf = (section: string): string[][] =>
  [...document.querySelectorAll(`${section} tbody tr`)].map((row) =>
    [...row.querySelectorAll('td')].map((cell) => cell.textContent.trim()),
  );

test('names of judges, texts and reasons cannot become markup, and the page refers to nothing outside itself', () => {
  expect(page).not.toContain('<script');
  expect(document.querySelectorAll('[src], link, iframe, script')).toHaveLength(0);
  expect(document.querySelector('#unread pre')?.textContent).toContain(hostile);
  expect(renderScoring(report)).toBe(page);
});

test('an unread text is shown to some length', () => {
  expect(document.querySelector('#unread pre')?.textContent.length).toBe(2_000);
});

test('the best judge is first, each with the interval of its scores', () => {
  const [best, other] = [...document.querySelectorAll('#results tbody tr')].map((row) => row.textContent);
  expect(best).toContain(hostile);
  expect(best).toContain('97.5');
  expect(other).toContain('places');
  expect(textOf('#results table')).toMatch(/97\.5 9\d\.\d–(9\d|100)\.\d/);
});

test('a judge that says one place is named: it has learned nothing, and is never consistent', () => {
  expect(textOf('#results .claims')).toContain('not above "always first", so nothing learned: places');
  expect(cellsOf('#orders')).toContainEqual(['places', '100.0', '50.0', '0.0 (0.0–0.0)']);
});

test('differences that hold, cost and latency, and what was left out are there', () => {
  expect(textOf('#differences tbody')).toContain('holds');
  expect(cellsOf('#cost')).toEqual([[hostile, '60', '0.5', '2 s']]);
  expect(textOf('#data')).toContain('LABEL_UNKNOWN');
  expect(textOf('#data')).toContain('the row has no');
});

test('parts that the judgments lack are not there', () => {
  const yesNo: TaskSpec = { kind: 'pointwise', labels: ['first', 'second'], prompt: '', ood: false };
  const said = new Map([['one', rows.map(({ id, label }) => verdict(id, label))]]);
  const alone = renderScoring({
    ...{ ...report, spec: yesNo, unusable: [], quarantined: [] },
    scoring: scoreJudges('pairs', yesNo, rows, said, { resampleCount: 100, seed: 0 }),
  });
  const { document: plain } = parseHTML(alone);
  expect([...plain.querySelectorAll('section')].map(({ id }) => id)).toEqual([
    ...['results', 'intervals', 'differences', 'unread', 'data'],
  ]);
  expect(plain.querySelector('#unread')?.textContent).toContain('Every verdict was read');
});
