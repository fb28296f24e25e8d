import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskScores } from '../../judge/evaluation/task-scores.ts';
import {
  type Answered,
  type Contest,
  gateChecks as checksOf,
  type GateEvidence,
  type GateRules,
} from '../../judge/promotion/gate.ts';

const labels = ['yes', 'no'];
const rules: GateRules = { minimums: [], regressionMax: 0.05, unparsableRateMax: 0.1 };
const resampling = { resampleCount: 200, seed: 7 };

/**
 * @param answers y, n, or ? for an unparsable answer; every second example has the label yes, and two share a cluster
 */
function answered(task: string, answers: string): Answered {
  const outcomes = [...answers].map((answer, i) => ({
    ...{ exampleId: `${task} ${String(i)}`, clusterKey: String(i >> 1), label: i % 2 === 0 ? 'yes' : 'no' },
    predicted: answer === 'y' ? 'yes' : answer === 'n' ? 'no' : undefined,
  }));
  return { task, split: 'test', labels, outcomes };
}

function scores(task: string, change: Partial<TaskScores> = {}): TaskScores {
  return {
    ...{ task, split: 'test', ood: false, exampleCount: 8, macroF1: 0.8, ci95: [0.7, 0.9], accuracy: 0.8 },
    ...{ majorityMacroF1: 0.3, unparsableRate: 0, truncatedRate: 0 },
    ...change,
  };
}

const contest = (data: string, candidate: readonly Answered[], promoted: readonly Answered[]): Contest => ({
  ...{ data, candidate, promoted },
});

/** Evidence for one task; the candidate's answers are the same on new and old data unless `onOld` is given. */
function evidence(candidate: string, promoted: string, onOld = candidate): GateEvidence {
  const theirs = [answered('known', promoted)];
  return {
    scores: [scores('known')],
    contests: {
      onNewData: contest('new data', [answered('known', candidate)], theirs),
      onOldData: contest('data of judge@1', [answered('known', onOld)], theirs),
    },
  };
}

/** All checks as an array. */
const gateChecks = (...given: Parameters<typeof checksOf>) => [...checksOf(...given)];
const passes = (checks: ReturnType<typeof gateChecks>): boolean => checks.every(({ passed }) => passed);
const right = 'yn'.repeat(20);
const answersOf = fc.string({ unit: fc.constantFrom('y', 'n', 'y', 'n', '?'), minLength: 4, maxLength: 40 });

describe('the gate', () => {
  it('requires only its minimums and parsable answers of a candidate for a new name', () => {
    const minimums = [
      { task: 'known', metric: 'macroF1' as const, atLeast: 0.8 },
      { task: 'unseen', metric: 'accuracy' as const, atLeast: 0.6 },
    ];
    const all = [scores('known'), scores('unseen', { accuracy: 0.59, unparsableRate: 0.11 })];
    const checks = gateChecks({ ...rules, minimums }, { scores: all }, resampling);
    expect(checks.map(({ task, value, limit, passed }) => [task, value, limit, passed])).toEqual([
      ['known', 0.8, 0.8, true],
      ['unseen', 0.59, 0.6, false],
      ['known', 0, 0.1, true],
      ['unseen', 0.11, 0.1, false],
    ]);
  });

  it('asks for Krippendorff’s alpha, and never passes a task without one', () => {
    const minimums = [{ task: 'known', metric: 'krippendorffAlpha' as const, atLeast: 0.6 }];
    const checked = (change: Partial<TaskScores>) =>
      gateChecks({ ...rules, minimums }, { scores: [scores('known', change)] }, resampling)[0];
    expect(checked({ krippendorffAlpha: 0.61 })).toMatchObject({
      ...{ rule: 'krippendorffAlpha of known at least 0.6', value: 0.61, passed: true },
    });
    expect(checked({ krippendorffAlpha: 0.59 })).toMatchObject({ passed: false });
    // All answers and labels the same: alpha is not defined.
    expect(() => checked({})).toThrow('the gate needs krippendorffAlpha of known, which its evaluation lacks');
  });

  it('never holds back a candidate that answers like the promoted policy', () => {
    fc.assert(
      fc.property(answersOf, fc.double({ min: 0, max: 1, noNaN: true }), (answers, regressionMax) => {
        const lenient = { ...rules, regressionMax, unparsableRateMax: 1 };
        expect(passes(gateChecks(lenient, evidence(answers, answers), resampling))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('accepts with a wider margin everything that a narrower one accepts, at the same values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('y', 'n', '?'), fc.constantFrom('y', 'n', '?')), {
          minLength: 4,
          maxLength: 40,
        }),
        (pairs) => {
          const given = evidence(pairs.map(([ours]) => ours).join(''), pairs.map(([, theirs]) => theirs).join(''));
          const at = (regressionMax: number) => gateChecks({ ...rules, regressionMax }, given, resampling);
          const [narrow, wide, any] = [at(0.02), at(0.3), at(1)];
          narrow.forEach((check, i) => {
            expect(wide[i]?.value).toBe(check.value);
            if (check.passed) expect(wide[i]?.passed).toBe(true);
          });
          const differences = any.filter(({ limit }) => limit === -1);
          expect(differences.length === 2 && passes(differences)).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('holds back a candidate that is worse only on the old test set', () => {
    const checks = gateChecks(rules, evidence(right, right, right.replace(/^.{20}/, 'ny'.repeat(10))), resampling);
    const failed = checks.filter(({ passed }) => !passed);
    expect(failed).toHaveLength(1);
    expect(failed[0]?.rule).toContain('data of judge@1');
    expect(failed[0]?.value).toBeLessThan(-0.05);
  });

  it('holds back what may be worse: it compares the bound, not the difference', () => {
    // Each is wrong once, on different examples: the difference is 0, but its lower bound is not.
    const [ours, theirs] = [`nn${right.slice(2)}`, `ynnn${right.slice(4)}`];
    const checks = gateChecks({ ...rules, regressionMax: 0 }, evidence(ours, theirs), resampling);
    const [onNewData] = checks.filter(({ rule }) => rule.startsWith('Macro-F1'));
    expect(onNewData).toMatchObject({ passed: false });
    expect(onNewData?.value).toBeLessThan(0);
  });

  it('counts unparsable answers to the old test set', () => {
    const checks = gateChecks(
      { ...rules, regressionMax: 1 },
      evidence(right, right, `${right.slice(5)}?????`),
      resampling,
    );
    expect(checks.filter(({ passed }) => !passed)).toMatchObject([{ value: 0.125, limit: 0.1 }]);
  });
});

describe('throws on missing evidence', () => {
  const minimum = (task: string, metric: GateRules['minimums'][number]['metric']): GateRules => ({
    ...rules,
    minimums: [{ task, metric, atLeast: 0 }],
  });
  const same = evidence(right, right);
  const newData = same.contests?.onNewData ?? contest('', [], []);
  const oldData = same.contests?.onOldData ?? contest('', [], []);
  const withNew = (change: Partial<Contest>): GateEvidence => ({
    ...same,
    contests: { onNewData: { ...newData, ...change }, onOldData: oldData },
  });
  const withOld = (change: Partial<Contest>): GateEvidence => ({
    ...same,
    contests: { onNewData: newData, onOldData: { ...oldData, ...change } },
  });
  const cases: readonly (readonly [string, GateRules, GateEvidence])[] = [
    ['a candidate that was evaluated on nothing', rules, { scores: [] }],
    ['a minimum of a task that was not evaluated', minimum('other', 'macroF1'), same],
    ['a metric that the evaluation does not have', minimum('known', 'consistencyRate'), same],
    ['a task that was evaluated twice', minimum('known', 'macroF1'), { scores: [scores('known'), scores('known')] }],
    ['a score that is no number', minimum('known', 'macroF1'), { scores: [scores('known', { macroF1: NaN })] }],
    ['an unparsable rate that is no number', rules, { scores: [scores('known', { unparsableRate: NaN })] }],
    ['a promoted policy without judgments of new data', rules, withNew({ promoted: [] })],
    ['a candidate without judgments of new data', rules, withNew({ candidate: [] })],
    ['a candidate without judgments of old data', rules, withOld({ candidate: [] })],
    ['a promoted policy without evaluations of its own', rules, withOld({ candidate: [], promoted: [] })],
    ['judgments of another task', rules, withOld({ candidate: [answered('other', right)] })],
    ['judgments of fewer examples', rules, withOld({ candidate: [answered('known', right.slice(1))] })],
    ['judgments of other examples', rules, withOld({ candidate: [{ ...answered('other', right), task: 'known' }] })],
    [
      'judgments of no example',
      rules,
      withOld({ candidate: [answered('known', '')], promoted: [answered('known', '')] }),
    ],
    ['a scored task that no judgments are of', rules, { ...same, scores: [scores('known'), scores('more')] }],
  ];
  it.each(cases)('if there is %s', (_, given, found) => {
    expect(() => gateChecks(given, found, resampling)).toThrow(
      expect.objectContaining({ code: 'EVALUATION_MISSING' }) as Error,
    );
  });
});
