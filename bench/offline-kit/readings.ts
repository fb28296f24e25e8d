/** Reads what the programs of the kit printed. */
import type { Json } from '../../core/json.ts';
import type { DoctorCheck } from '../../infra/doctor/doctor.ts';
import type { OpDifference, StepDifference } from '../../test/support/differential.ts';
import { median } from '../statistics.ts';
import type { Reading } from './part.ts';
import type { StepRound } from './step-times.ts';

/** Relative to the largest element of a tensor (at least 1), as in the tests of the backends. */
const tolerance = 1e-4;
/** Of log-probs between rollouts and training graph: a recipe's default limit. */
const logProbToleranceMax = 1e-4;
const namedCountMax = 5;

export function readChecks(lines: readonly Json[]): Reading {
  const checks = lines as unknown as readonly DoctorCheck[];
  const ofStatus = (wanted: DoctorCheck['status']) => checks.filter(({ status }) => status === wanted);
  const [ok, warnings, failures] = [ofStatus('ok'), ofStatus('warn'), ofStatus('fail')];
  return {
    found: [
      `${String(ok.length)} ok`,
      `${String(warnings.length)} warnings`,
      ...warnings.map(({ name, found }) => `${name}: ${found}`),
    ].join(', '),
    hasCompared: false,
    problems: failures.map(({ name, found }) => `${name}: ${found}`),
  };
}

export function readOps([first, ...rest]: readonly Json[]): Reading {
  const { opCaseCount = 0 } = (first ?? {}) as { opCaseCount?: number };
  const ops = rest as unknown as readonly OpDifference[];
  const problems = ops.flatMap(({ title, problem }) => (problem === '' ? [] : [`${title} ${problem}`]));
  const count = ops.length === opCaseCount ? String(opCaseCount) : `${String(ops.length)} of ${String(opCaseCount)}`;
  const largest = Math.max(0, ...ops.map(({ difference }) => difference));
  return {
    found: `${count} cases of ops, largest difference ${largest.toExponential(1)}`,
    hasCompared: ops.length > 0,
    problems: problems.length > namedCountMax ? [...problems.slice(0, namedCountMax), andMore(problems)] : problems,
  };
}

const andMore = (problems: readonly string[]): string => `and ${String(problems.length - namedCountMax)} more`;

export function readSteps(lines: readonly Json[]): Reading {
  // An infinite difference or NaN is null in JSON.
  type Parts = Readonly<Record<keyof StepDifference['differences'], number | null>>;
  const steps = lines as unknown as readonly (Omit<StepDifference, 'differences'> & {
    readonly name: string;
    readonly differences: Parts;
  })[];
  const found = steps.map(({ name, tokenCount, differences }) => {
    const largest = Math.max(...Object.values(differences).map((difference) => difference ?? Infinity));
    return `${name}: ${String(tokenCount)} tokens, largest difference ${largest.toExponential(1)}`;
  });
  const problems = steps.flatMap(({ name, sameTokens, differences }) => [
    ...(sameTokens ? [] : [`${name}: other tokens are sampled`]),
    ...Object.entries(differences).flatMap(([part, difference]) =>
      difference !== null && difference <= tolerance ? [] : [`${name}: ${part} differ by ${String(difference)}`],
    ),
  ]);
  return { found: found.join('; '), hasCompared: steps.length > 0, problems };
}

export interface StepTimes {
  readonly by: string;
  readonly rolloutMs: number;
  readonly trainMs: number;
  /** Rounds after the first, which compiles; 0: only the first ended, and its times stand here. */
  readonly roundCount: number;
}

/** Undefined if no round ended. */
export function timesOf([first, ...rest]: readonly Json[]): StepTimes | undefined {
  const rounds = rest as unknown as readonly StepRound[];
  const usual = rounds.length > 1 ? rounds.slice(1) : rounds;
  if (usual.length === 0) return undefined;
  return {
    by: (first as { by?: string }).by ?? '',
    rolloutMs: median(usual.map(({ rolloutMs }) => rolloutMs)),
    trainMs: median(usual.map(({ trainMs }) => trainMs)),
    roundCount: rounds.length - 1,
  };
}

export function readRounds(lines: readonly Json[]): Reading {
  const times = timesOf(lines);
  if (times === undefined) return { found: 'no round ended', hasCompared: false, problems: [] };
  const rounds = lines.slice(1) as unknown as readonly StepRound[];
  // NaN is null in JSON.
  const differences = rounds.flatMap(({ logProbDifferenceMax: max }) =>
    max === undefined ? [] : [max as number | null],
  );
  const largest = Math.max(0, ...differences.map((difference) => difference ?? Infinity));
  const agreement = differences.length > 0 ? `, log-probs differ by ${largest.toExponential(1)}` : '';
  const counted =
    times.roundCount === 0 ? 'only the first round, which compiles' : `${String(times.roundCount)} rounds`;
  return {
    found: `rollout ${inMs(times.rolloutMs)}, update ${inMs(times.trainMs)} (${counted}${agreement})`,
    hasCompared: differences.length > 0,
    problems: largest <= logProbToleranceMax ? [] : [`log-probs of rollouts and training differ by ${String(largest)}`],
  };
}

export const inMs = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
