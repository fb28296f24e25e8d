/**
 * Promotion gate: whether a candidate may replace the promoted policy, by declared rules alone: minimum scores,
 * non-inferiority on every task (the lower bound of the paired difference's 95 % interval against a margin), and a
 * maximum rate of unparsable answers. A missing measurement throws; no rule is skipped.
 */
import { MtrlError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import type { PromotionSpec } from '../../recipes/fields/promotion-fields.ts';
import type { ClusteredOutcome } from '../evaluation/statistics/bootstrap.ts';
import { pairedBootstrap } from '../evaluation/statistics/paired-bootstrap.ts';
import type { TaskScores } from '../evaluation/task-scores.ts';

export type GateRules = PromotionSpec['gate'];
export type GateMinimum = GateRules['minimums'][number];

export interface GateCheck {
  /** The rule in words: `macroF1 of pair-up at least 0.8`. */
  readonly rule: string;
  readonly task: string;
  readonly value: number;
  /** Lower limit; for unparsable rates, upper limit. */
  readonly limit: number;
  readonly passed: boolean;
}

/** Answers of one policy to the test set of one task. */
export interface Answered {
  readonly task: string;
  readonly split: string;
  /** Of which Macro-F1 is compared; empty if verdicts are no classes: then accuracy is. */
  readonly labels: readonly string[];
  readonly outcomes: readonly AnsweredOutcome[];
}
export interface AnsweredOutcome extends ClusteredOutcome {
  readonly exampleId: string;
}

/** Answers of both policies on the same test sets. */
export interface Contest {
  /** The origin of the test sets, in words. */
  readonly data: string;
  readonly candidate: readonly Answered[];
  readonly promoted: readonly Answered[];
}

export interface GateEvidence {
  /** Scores of the candidate on its own test sets. */
  readonly scores: readonly TaskScores[];
  /**
   * Present if a policy is already promoted: on the candidate's test sets, and on those that the policy was promoted
   * with.
   */
  readonly contests?: { readonly onNewData: Contest; readonly onOldData: Contest };
}

export interface GateResampling {
  readonly resampleCount: number;
  readonly seed: number;
}

/** Yields the checks one at a time, so that the caller can do other work in between. Throws EVALUATION_MISSING. */
export function* gateChecks(
  rules: GateRules,
  evidence: GateEvidence,
  resampling: GateResampling,
): Generator<GateCheck, void> {
  const { scores, contests } = evidence;
  if (scores.length === 0) throw missing('the candidate has no evaluations', 'evaluations of the candidate');
  const minimums = rules.minimums.map((minimum, i) => minimumCheck(minimum, i, scores));
  const unparsable = scores.map(({ task, unparsableRate }) => unparsableCheck(task, 'new data', unparsableRate, rules));
  yield* minimums;
  yield* unparsable;
  if (contests === undefined) return;
  const { onNewData, onOldData } = contests;
  requireTasks(onNewData, scores);
  yield* unparsableOn(onOldData, rules);
  yield* regressionChecks(onNewData, rules, resampling);
  yield* regressionChecks(onOldData, rules, resampling);
}

function minimumCheck(minimum: GateMinimum, index: number, scores: readonly TaskScores[]): GateCheck {
  const { task, metric, atLeast } = minimum;
  const where = `promotion.gate.minimums.${String(index)}`;
  const [found, ...others] = scores.filter((each) => each.task === task);
  if (found === undefined || others.length > 0)
    throw missing(`the gate needs ${metric} of ${task}, which was not evaluated exactly once`, where, scores);
  const value = found[metric];
  if (value === undefined) throw missing(`the gate needs ${metric} of ${task}, which its evaluation lacks`, where);
  return atLeastCheck(minimumText(minimum), task, value, atLeast);
}

export function minimumText({ task, metric, atLeast }: GateMinimum): string {
  return `${metric} of ${task} at least ${String(atLeast)}`;
}

function unparsableCheck(task: string, data: string, value: number, { unparsableRateMax }: GateRules): GateCheck {
  finite(value, `unparsable rate of ${task}`);
  const rule = `unparsable answers to ${task}, ${data}, at most ${String(unparsableRateMax)}`;
  return { rule, task, value, limit: unparsableRateMax, passed: value <= unparsableRateMax };
}

function unparsableOn({ data, candidate }: Contest, rules: GateRules): GateCheck[] {
  return candidate.map(({ task, outcomes }) => {
    const unparsableCount = outcomes.filter(({ predicted }) => predicted === undefined).length;
    return unparsableCheck(task, data, unparsableCount / outcomes.length, rules);
  });
}

function* regressionChecks(
  contest: Contest,
  { regressionMax }: GateRules,
  resampling: GateResampling,
): Generator<GateCheck, void> {
  const { data, candidate, promoted } = contest;
  if (promoted.length === 0 || candidate.length !== promoted.length)
    throw missing(
      `the two policies were not evaluated on the same tasks: ${String(candidate.length)} and ${String(promoted.length)}`,
      data,
    );
  for (const theirs of promoted) {
    const { task, split, labels } = theirs;
    const ours = candidate.find((each) => each.task === task && each.split === split);
    if (ours === undefined) throw missing(`the candidate was not evaluated on ${task}, ${split}`, data);
    requireSameExamples(ours, theirs, data);
    const rng = new Rng('gate', resampling.seed, data, task);
    const { ci95 } = pairedBootstrap(ours.outcomes, theirs.outcomes, labels, resampling.resampleCount, rng);
    const metric = labels.length === 0 ? 'accuracy' : 'Macro-F1';
    const rule = `${metric} of ${task}, ${data}, not lower than the promoted by more than ${String(regressionMax)} (lower bound)`;
    yield atLeastCheck(rule, task, ci95[0], -regressionMax);
  }
}

function atLeastCheck(rule: string, task: string, value: number, limit: number): GateCheck {
  finite(value, rule);
  return { rule, task, value, limit, passed: value >= limit };
}

/** Requires the contest on new data to cover every task that the candidate was scored on. */
function requireTasks({ data, candidate }: Contest, scores: readonly TaskScores[]): void {
  const unanswered = scores.find(({ task, split }) => !candidate.some((a) => a.task === task && a.split === split));
  if (unanswered !== undefined) throw missing(`there are no judgments of ${unanswered.task}`, data);
}

function requireSameExamples(ours: Answered, theirs: Answered, data: string): void {
  const { task, outcomes } = theirs;
  const isSame =
    outcomes.length > 0 &&
    ours.outcomes.length === outcomes.length &&
    outcomes.every(({ exampleId }, i) => ours.outcomes[i]?.exampleId === exampleId);
  if (!isSame) throw missing(`the two policies did not judge the same examples of ${task}`, data);
}

function finite(value: number, what: string): void {
  if (!Number.isFinite(value)) throw missing(`${what} is not a number`, what);
}

function missing(message: string, where: string, scores: readonly TaskScores[] = []): MtrlError {
  return new MtrlError('EVALUATION_MISSING', message, {
    where,
    ...(scores.length > 0 && { found: `evaluations of ${scores.map(({ task }) => task).join(', ')}` }),
    hint: 'add every task that the gate names to evaluation.tasks in the recipe, and run the experiment again',
  });
}
