/** A report with the paper's five kinds of arms, three seeds each, and a sweep of two fields. */
import { type ArmScore, type ArmTest, meanColumn } from '../../judge/evaluation/arms/arm-scores.ts';
import type { ReportArm, ReportData, ReportRun } from '../../judge/report/data.ts';
import { madeUpReport, run, scores } from './made-up.ts';

export function armScore(value: number, seedCount = 3): ArmScore {
  const bySeed = Array.from({ length: seedCount }, (_, i) => value + (i - (seedCount - 1) / 2) * 0.01);
  return { value, ci95: [value - 0.02, value + 0.02], bySeed, ...(seedCount > 1 && { seedDeviation: 0.01 }) };
}

export function armTest(arm: string, otherArm: string, column: string, difference: number, holmP: number): ArmTest {
  const ci95 = [difference - 0.01, difference + 0.01] as const;
  return { arm, otherArm, column, difference, ci95, p: holmP / 4, holmP, columnCount: 4 };
}

/** An arm of the table and its runs. */
function armOf(
  arm: string,
  objective: ReportRun['objective'],
  values: Readonly<Record<string, number>>,
  more: Partial<ReportArm> = {},
): { readonly arm: ReportArm; readonly runs: readonly ReportRun[] } {
  const seedCount = objective === 'none' ? 1 : 3;
  const parts = more.isSingle === true ? ['safety', 'technical'].map((task) => `${arm}/${task}`) : [arm];
  const runs = parts.flatMap((part) =>
    Array.from({ length: seedCount }, (_, seed) => ({
      ...run(part, objective, [scores('safety', values['safety'] ?? 0, [0.5, 0.9])], seed),
      ...(more.isSingle === true && { specialistOf: arm }),
    })),
  );
  const described = {
    arm,
    objective,
    mode: 'think' as const,
    seedCount,
    isSingle: false,
    trainedTaskCount: more.isSingle === true ? 1 : 2,
  };
  const runNames = runs.map(({ runName }) => runName);
  const scored = Object.entries(values).map(([column, value]) => [column, armScore(value, seedCount)] as const);
  return { arm: { ...described, runNames, scores: Object.fromEntries(scored), ...more }, runs };
}

const row = (safety: number, technical: number, pair: number) => {
  return { safety, technical, [meanColumn]: (safety + technical) / 2, pair };
};

export function madeUpArms(): ReportData {
  const point = (learningRate: number, groupSize: number, mean: number) =>
    armOf(
      `rates/${String(learningRate)}/${String(groupSize)}`,
      'rl',
      { [meanColumn]: mean, pair: mean - 0.1 },
      {
        varied: { sweep: 'rates', values: { 'optimizer.learningRate': learningRate, groupSize } },
      },
    );
  const made = [
    armOf('base', 'none', row(0.7, 0.66, 0.6)),
    armOf('sft-single', 'sft', row(0.8, 0.82, 0.55), { isSingle: true }),
    armOf('sft-unified', 'sft', row(0.81, 0.83, 0.5)),
    armOf('rl-single', 'rl', row(0.97, 0.96, 0.8), { isSingle: true }),
    armOf('mt-rl', 'rl', row(0.98, 0.97, 0.95)),
    ...[point(1e-5, 4, 0.8), point(1e-4, 4, 0.95), point(1e-5, 8, 0.82), point(1e-4, 8, 0.97)],
  ];
  const against = ['base', 'sft-single', 'sft-unified', 'rl-single'];
  const armTests = against.flatMap((other, i) => [
    armTest('mt-rl', other, meanColumn, 0.3 - i * 0.09, i === 3 ? 0.2 : 0.002),
    armTest('mt-rl', other, 'pair', 0.35, 0.0004),
    armTest('mt-rl', other, 'safety', 0.28, 0.03),
    armTest('mt-rl', other, 'technical', -0.02, 0.6),
  ]);
  return {
    ...madeUpReport(),
    tasks: [
      { name: 'safety', kind: 'pointwise', ood: false },
      { name: 'technical', kind: 'pointwise', ood: false },
      { name: 'pair', kind: 'pairwise', ood: true },
    ],
    runs: made.flatMap(({ runs }) => runs),
    arms: made.map(({ arm }) => arm),
    armTests,
    tests: [],
  };
}
