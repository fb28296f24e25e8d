/** Agreement of people, beside the judge's, against the `krippendorff` package, scikit-learn and numpy. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { krippendorffAlpha } from '../../judge/evaluation/statistics/krippendorff.ts';
import { heldOutVotes } from '../../judge/evaluation/people/human-ceiling.ts';
import type { JudgedExample } from '../../judge/evaluation/metric.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import type { VoteCount } from '../../judge/example.ts';
import { voteCounts } from '../../judge/vote-counts.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';

interface Case {
  readonly name: string;
  readonly values: TaskSpec['labels'];
  readonly level: 'nominal' | 'interval';
  /** [unit][rater] */
  readonly ratings: readonly (readonly (string | null)[])[];
  readonly verdicts: readonly string[];
  readonly expected: {
    readonly people: number;
    readonly withJudge: number;
    readonly person: Readonly<Record<string, number>>;
    readonly judge: Readonly<Record<string, number>>;
  };
}

const cases = JSON.parse(
  readFileSync(new URL('../fixtures/agreement/expected.json', import.meta.url), 'utf8'),
) as readonly Case[];

const taskOf = (kind: 'pointwise' | 'score', labels: TaskSpec['labels']): TaskSpec => ({
  ...{ kind, labels, prompt: '', ood: false },
});

interface Row {
  readonly label: string;
  readonly verdict: string | null;
  readonly votes: readonly VoteCount[];
}

function judgedRows(rows: readonly Row[]): JudgedExample[] {
  return rows.map(({ label, verdict, votes }, i) => ({
    example: { id: String(i), task: 't', split: 'test', images: [], fields: {}, groupKey: String(i), label, votes },
    judgment: verdict === null ? { ok: false, reason: 'verdict-missing' } : { ok: true, verdict, rationale: '' },
  }));
}

const scoresOf = (spec: TaskSpec, rows: readonly Row[]) =>
  taskScores({ task: 't', spec, split: 'test', judged: judgedRows(rows), resampleCount: 200, seed: 0 });

describe.each(cases)('matches the packages: $name', ({ values, level, ratings, verdicts, expected }) => {
  const spec = taskOf(level === 'interval' ? 'score' : 'pointwise', values);
  const rows = ratings.map((votes, i) => ({
    ...{ label: values[0], verdict: verdicts[i] ?? null },
    votes: voteCounts(votes.flatMap((vote): VoteCount[] => (vote === null ? [] : [[vote, 1]]))),
  }));
  const { peopleAlpha, humanCeiling } = scoresOf(spec, rows);

  test("alpha of people, and with the judge's verdicts", () => {
    expect(peopleAlpha?.level).toBe(level);
    expect(peopleAlpha?.people).toBeCloseTo(expected.people, 12);
    expect(peopleAlpha?.withJudge).toBeCloseTo(expected.withJudge, 12);
  });

  test.each(['person', 'judge'] as const)('the ceiling, and the %s against the same others', (who) => {
    const found: Readonly<Record<string, unknown>> = { ...humanCeiling?.[who] };
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected[who]).sort());
    for (const [name, value] of Object.entries(expected[who])) expect(found[name], name).toBeCloseTo(value, 12);
  });
});

test('the judge is told from one person by an interval, in which examples of one group are drawn together', () => {
  const spec = taskOf('pointwise', ['yes', 'no']);
  const labels = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 'yes' : 'no'));
  const other = (label: string): string => (label === 'yes' ? 'no' : 'yes');
  const rows = (verdictOf: (label: string, i: number) => string): Row[] =>
    labels.map((label, i) => ({
      label,
      verdict: verdictOf(label, i),
      votes: [
        [label, 4],
        [other(label), 1],
      ],
    }));
  // Held out, the four are right and the one is wrong.
  const perfect = scoresOf(
    spec,
    rows((label) => label),
  ).humanCeiling;
  expect(perfect?.person.accuracy).toBeCloseTo(0.8, 12);
  expect(perfect?.difference.accuracy).toBeCloseTo(0.2, 12);
  // It is .2 in every example.
  expect(perfect?.difference.ci95[0]).toBeCloseTo(0.2, 12);
  const like = rows((label, i) => (i % 5 === 0 ? other(label) : label));
  const alone = scoresOf(spec, like).humanCeiling?.difference;
  expect(alone?.accuracy).toBeCloseTo(0, 12);
  const widthOf = ([low, high]: readonly [number, number] = [0, 0]): number => high - low;
  expect(alone?.ci95[0]).toBeLessThan(0);
  expect(alone?.ci95[1]).toBeGreaterThan(0);
  const judged = judgedRows(like).map((one, i) => ({
    ...one,
    // The wrong ones are in two of ten groups.
    example: { ...one.example, groupKey: i % 5 === 0 ? `w${String(i % 10)}` : String(Math.floor(i / 6)) },
  }));
  const request = { task: 't', spec, split: 'test', judged, resampleCount: 200, seed: 0 } as const;
  expect(widthOf(taskScores(request).humanCeiling?.difference.ci95)).toBeGreaterThan(widthOf(alone?.ci95));
});

test('the alpha of judge and label is that of two raters, and an unparsable answer agrees with nothing', () => {
  const rows = ['yes', 'yes', 'no', 'no'].map((label): Row => ({ label, verdict: label, votes: [] }));
  expect(scoresOf(taskOf('pointwise', ['yes', 'no']), rows).krippendorffAlpha).toBe(1);
  const [first, ...others] = rows;
  const withNone = [{ ...(first as Row), verdict: null }, ...others];
  // Of 8 ratings, 3 yes, 4 no, 1 none: 1 of 4 units differs (2 ordered pairs of 8); by chance 64 - 9 - 16 - 1 = 38 of 56.
  expect(scoresOf(taskOf('pointwise', ['yes', 'no']), withNone).krippendorffAlpha).toBeCloseTo(
    1 - 2 / 8 / (38 / 56),
    12,
  );
});

test('a task without votes has no ceiling, and votes that are all the same have no alpha', () => {
  const spec = taskOf('pointwise', ['yes', 'no']);
  const alone = scoresOf(spec, [{ label: 'yes', verdict: 'yes', votes: [['yes', 1]] }]);
  expect(alone.humanCeiling).toBeUndefined();
  expect(alone.peopleAlpha).toBeUndefined();
  const same = scoresOf(spec, [{ label: 'yes', verdict: 'yes', votes: [['yes', 3]] }]);
  expect(same.peopleAlpha).toEqual({ level: 'nominal', exampleCount: 1, votesPerExample: 3 });
  expect(same.humanCeiling?.person.accuracy).toBe(1);
  expect(krippendorffAlpha([], 'interval')).toBeUndefined();
});

test('an abstention is a wrong answer of one person, and no rating; worked by hand', () => {
  const spec = taskOf('pointwise', ['yes', 'no']);
  // Held out in turn: yes against yes, no, (nothing) -> half right; no against yes, yes -> wrong; nothing -> wrong.
  const votes: VoteCount[] = [
    ['yes', 2],
    ['no', 1],
    [null, 1],
  ];
  expect(heldOutVotes(votes, spec)).toEqual([
    { vote: 'yes', label: 'yes', weight: 1 / 4 },
    { vote: 'yes', label: 'no', weight: 1 / 4 },
    { vote: 'no', label: 'yes', weight: 1 / 4 },
    { vote: null, label: 'yes', weight: 1 / 4 },
  ]);
  const { humanCeiling, peopleAlpha } = scoresOf(spec, [{ label: 'yes', verdict: 'yes', votes }]);
  expect(humanCeiling?.person.accuracy).toBe(1 / 4);
  expect(humanCeiling?.judge.accuracy).toBe(3 / 4);
  expect(peopleAlpha?.votesPerExample).toBe(4);
});

test('base rates say how much of the agreement is chance; worked by hand', () => {
  const rows = [
    ...Array.from({ length: 8 }, (): Row => ({ label: 'yes', verdict: 'yes', votes: [] })),
    { label: 'no', verdict: 'yes', votes: [] },
    { label: 'no', verdict: null, votes: [] },
  ];
  const { baseRates, chanceAgreement, accuracy, cohenKappa } = scoresOf(taskOf('pointwise', ['yes', 'no']), rows);
  expect(baseRates).toEqual([
    { label: 'yes', labelRate: 0.8, verdictRate: 0.9 },
    { label: 'no', labelRate: 0.2, verdictRate: 0 },
  ]);
  expect(chanceAgreement).toBeCloseTo(0.72, 12);
  expect(cohenKappa).toBeCloseTo((accuracy - 0.72) / (1 - 0.72), 12);
});
