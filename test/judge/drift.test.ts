import { describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { type AskedOfTask, driftChecks, driftSentences } from '../../judge/promotion/drift.ts';
import { judgmentOf } from '../../judge/scoring/read-judgments.ts';
import { scoreJudges } from '../../judge/scoring/score-judges.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';

const spec: TaskSpec = { kind: 'pairwise', labels: ['first', 'second'], prompt: '', ood: false };
const turned: Record<string, string> = { first: 'second', second: 'first' };

/** A judge that is right about `rightCount` rows in 10, in both orders or in one. */
function judgeOf(rowCount: number, rightShare: number, orders: readonly number[], unread = 0) {
  const rng = new Rng('drift', rowCount);
  const rows = Array.from({ length: rowCount }, (_, i) => ({
    ...{ id: String(i), label: rng.chance(0.5) ? 'first' : 'second', groupKey: String(i) },
  }));
  const verdicts = rows.flatMap(({ id, label }, i) => {
    const chosen = i < rightShare * rowCount ? label : (turned[label] ?? '');
    return orders.map((order) => {
      const text = i < unread ? 'neither' : order === 0 ? chosen : (turned[chosen] ?? '');
      return { rowId: id, order, text, judgment: judgmentOf(text, spec, {}) };
    });
  });
  const settings = { resampleCount: 1_000, seed: 0 };
  const [judge] = scoreJudges('pair', spec, rows, new Map([['judge', verdicts]]), settings).judges;
  if (judge === undefined) throw new Error('no judge');
  return judge;
}

const minimum = (metric: 'accuracy' | 'cohenKappa' | 'krippendorffAlpha' | 'consistencyRate', atLeast: number) => ({
  ...{ task: 'pair', metric, atLeast },
});
const asked = (...minimums: AskedOfTask['minimums']): AskedOfTask => ({ minimums, unparsableRateMax: 0.05 });

describe('agreement with a fresh sample', () => {
  const both = [0, 1];

  it('has fallen if the whole interval is below what the gate asked, and holds if none of it is', () => {
    const checks = driftChecks(
      ...([
        'pair',
        asked(
          ...[minimum('accuracy', 0.8), minimum('cohenKappa', 0.2), minimum('krippendorffAlpha', 0.9)],
          minimum('consistencyRate', 1),
        ),
      ] as const),
      judgeOf(400, 0.7, both),
    );
    expect(checks.map(({ rule, state }) => [rule, state])).toEqual([
      ['accuracy of pair at least 0.8', 'fallen'],
      ['cohenKappa of pair at least 0.2', 'held'],
      ['krippendorffAlpha of pair at least 0.9', 'fallen'],
      ['consistencyRate of pair at least 1', 'held'],
      ['unparsable answers to pair at most 0.05', 'held'],
    ]);
    expect(checks[0]).toMatchObject({ value: 0.7, limit: 0.8 });
    expect(checks[0]?.ci95[1]).toBeLessThan(0.8);
  });

  it('cannot be told from a sample that is too small, in a sentence that says so', () => {
    const checks = driftChecks(
      'pair',
      asked({ ...minimum('accuracy', 0.8), atPromotion: 0.91 }),
      judgeOf(20, 0.7, both),
    );
    expect(checks[0]?.state).toBe('open');
    expect(driftSentences(checks)[0]).toMatch(
      /^accuracy of pair at least 0\.8: 0\.700 \(0\.\d+ to 0\.\d+\), 0\.910 at the promotion: cannot be told/,
    );
  });

  it('counts answers that nobody can read', () => {
    const checks = driftChecks('pair', asked(), judgeOf(200, 1, both, 40));
    expect(checks).toMatchObject([{ value: 0.2, limit: 0.05, state: 'fallen' }]);
  });

  it('is not taken for granted where the verdicts do not show it', () => {
    expect(() => driftChecks('pair', asked(minimum('consistencyRate', 0.5)), judgeOf(50, 1, [0]))).toThrow(
      expect.objectContaining({ code: 'EVALUATION_MISSING' }) as Error,
    );
  });
});
