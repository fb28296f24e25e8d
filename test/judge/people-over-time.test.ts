/** Agreement with people by week and month: worked by hand, Wilson's interval against published values. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { periodOf } from '../../cli/period-of.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import { UnusableRow } from '../../judge/datasets/reading.ts';
import { wilsonInterval } from '../../judge/evaluation/statistics/wilson.ts';
import { agreementOverTime } from '../../judge/scoring/people/agreement-over-time.ts';
import { type GivenLabel, peopleLabels } from '../../judge/scoring/people/read-people.ts';
import type { JudgedVerdict } from '../../judge/scoring/score-judges.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { required } from '../../core/assert.ts';

const spec = required(parseRecipe(tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 })).tasks['safety'], 'safety');

function label(rowId: string, at: string, own: Partial<GivenLabel> = {}): GivenLabel {
  return { rowId, groupKey: rowId, by: 'anna', at, isRandom: true, label: 'yes', ...own };
}

function said(rowId: string, verdict: string | undefined, order = 0): JudgedVerdict {
  const judgment =
    verdict === undefined
      ? ({ ok: false, reason: 'verdict-missing' } as const)
      : ({ ok: true, verdict, rationale: '' } as const);
  return { rowId, order, text: verdict, judgment };
}

it("Wilson's interval is that of statsmodels' proportion_confint for 8 of 10 and 0 of 5", () => {
  const rounded = (share: number, count: number) => wilsonInterval(share, count).map((each) => each.toFixed(6));
  expect(rounded(0.8, 10)).toEqual(['0.490162', '0.943318']);
  expect(rounded(0, 5)).toEqual(['0.000000', '0.434482']);
});

it('counts labels of random examples alone, by the verdict in the order of the row, a group at a time', () => {
  const labels = [
    // Sunday and Monday: two weeks of one month.
    label('a', '2026-11-01T23:59:59Z'),
    label('b', '2026-11-02T00:00:00Z'),
    label('b', '2026-11-03T00:00:00Z', { by: 'ben', label: 'no' }),
    label('c', '2026-11-03T00:00:00Z', { groupKey: 'b' }),
    label('d', '2026-11-04T00:00:00Z', { isRandom: false, label: 'no' }),
    label('e', '2026-12-01T00:00:00Z'),
    label('unjudged', '2026-11-04T00:00:00Z'),
  ];
  const verdicts = new Map([
    ['one', [...['a', 'b', 'c', 'd'].map((id) => said(id, 'yes')), said('e', undefined), said('e', 'yes', 1)]],
    ['other', [said('a', 'no')]],
  ]);
  const byWeek = agreementOverTime(labels, verdicts, spec, 'week', periodOf);
  expect([byWeek.people, byWeek.labelCount, byWeek.randomCount]).toEqual([2, 7, 6]);
  expect(byWeek.periods.map(({ period, judges }) => [period, judges.map(({ ci95: _, ...each }) => each)])).toEqual([
    [
      '2026-10-26',
      [
        { judge: 'one', labelCount: 1, groupCount: 1, agreement: 1 },
        { judge: 'other', labelCount: 1, groupCount: 1, agreement: 0 },
      ],
    ],
    // The group of b and c: two of its three labels.
    ['2026-11-02', [{ judge: 'one', labelCount: 3, groupCount: 1, agreement: 2 / 3 }]],
    ['2026-11-30', [{ judge: 'one', labelCount: 1, groupCount: 1, agreement: 0 }]],
  ]);
  const [november, december] = agreementOverTime(labels, verdicts, spec, 'month', periodOf).periods;
  expect([november?.period, december?.period]).toEqual(['2026-11', '2026-12']);
  const agreement = (1 + 2 / 3) / 2;
  expect(november?.judges[0]).toMatchObject({ labelCount: 4, groupCount: 2, agreement });
  expect(november?.judges[0]?.ci95).toEqual(wilsonInterval(agreement, 2));
});

it('reads what the studio exports, the first of changed labels, and says what is wrong with the others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-people-'));
  const row = (people: unknown) => ({ example_id: 'a', example_group: 'g', example_images: [], people });
  const given = { by: 'anna', at: '2026-11-01T00:00:00Z', order: 'random', label: 'yes' };
  const rows = [
    row([given, { ...given, by: 'ben', order: 'disagreement' }]),
    row([{ ...given, label: 'no', at: '2026-11-09T00:00:00Z', first: { label: 'yes', at: given.at } }]),
    row([{ ...given, label: 'perhaps' }, { ...given, at: 'yesterday' }, { by: 'anna' }, given]),
    { example_id: 'b' },
  ];
  const path = join(folder, 'labels.jsonl');
  await writeFile(path, `${rows.map((one) => JSON.stringify(one)).join('\n')}\n{"example_id"`);
  const labels: GivenLabel[] = [];
  const codes: string[] = [];
  for await (const one of peopleLabels(path, spec, localFiles)) {
    if (one instanceof UnusableRow) codes.push(one.code);
    else labels.push(one);
  }
  expect(labels).toEqual([
    label('a', given.at, { groupKey: 'g' }),
    label('a', given.at, { groupKey: 'g', by: 'ben', isRandom: false }),
    label('a', given.at, { groupKey: 'g' }),
    label('a', given.at, { groupKey: 'g' }),
  ]);
  expect(codes).toEqual(['LABEL_UNKNOWN', 'ROW_UNREADABLE', 'FIELD_MISSING', 'FIELD_MISSING', 'ROW_UNREADABLE']);
  await rm(folder, { recursive: true, force: true });
});
