/** All scores of one policy on one task, from its judgments. */
import { assert } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { Example, Judgment, Split } from '../example.ts';
import { accuracyOf } from './accuracy.ts';
import { balancedAccuracy } from './balanced-accuracy.ts';
import { macroF1Interval } from './statistics/bootstrap.ts';
import { cohenKappa } from './cohen-kappa.ts';
import { confusionOf } from './confusion.ts';
import { correlationOf } from './correlation.ts';
import { forcedChoiceScores } from './forced-choice.ts';
import { classScores, macroF1 } from './macro-f1.ts';
import { majorityMacroF1 } from './majority.ts';
import { orderScores, type PairOutcome } from './order.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { type Cues, rationaleAgreement } from './rationale-agreement.ts';
import type { TaskScores } from './task-scores.ts';

export interface JudgedExample {
  /** As it was judged: for a swapped pair, the swapped example with its exchanged label. */
  readonly example: Example;
  readonly judgment: Judgment;
  /** Id of the stored pair that this one mirrors. */
  readonly swappedOf?: string;
  /** Of the task's labels at the verdict's place, where they were asked for: of all examples or of none. */
  readonly probabilities?: readonly number[];
}

export interface ScoresRequest {
  readonly task: string;
  readonly spec: TaskSpec;
  readonly split: Split;
  readonly judged: readonly JudgedExample[];
  readonly resampleCount: number;
  /** Of the bootstrap; arms that are compared use the same. */
  readonly seed: number;
  /** See rationale-agreement.ts. */
  readonly cues?: Cues | undefined;
}

function pairsOf(judged: readonly JudgedExample[]): PairOutcome[] {
  const stored = new Map(judged.filter((one) => one.swappedOf === undefined).map((one) => [one.example.id, one]));
  return judged.flatMap(({ example, judgment, swappedOf }) => {
    if (swappedOf === undefined) return [];
    const original = stored.get(swappedOf);
    assert(original, `${example.id} mirrors ${swappedOf}, which was not judged`);
    return [{ stored: outcomeOf(original.example, original.judgment), swapped: outcomeOf(example, judgment) }];
  });
}

function reasonRate(judged: readonly JudgedExample[], counts: (judgment: Judgment) => boolean): number {
  return judged.filter(({ judgment }) => counts(judgment)).length / judged.length;
}

/**
 * `exampleCount` counts a pair once; its scores are over both orders, and both orders are one cluster (its group).
 * `unparsableRate` includes the truncated.
 */
export function taskScores(request: ScoresRequest): TaskScores {
  const { task, spec, split, judged, resampleCount, seed } = request;
  assert(judged.length > 0, `no judgments of ${task}/${split}`);
  const outcomes = judged.map(({ example, judgment }) => ({
    ...outcomeOf(example, judgment),
    clusterKey: example.groupKey,
  }));
  return {
    task,
    split,
    ood: spec.ood,
    exampleCount: judged.filter(({ swappedOf }) => swappedOf === undefined).length,
    macroF1: macroF1(outcomes, spec.labels),
    ci95: macroF1Interval(outcomes, spec.labels, resampleCount, new Rng('bootstrap', seed, task, split)),
    accuracy: accuracyOf(outcomes),
    majorityMacroF1: majorityMacroF1(
      outcomes.map(({ label }) => label),
      spec.labels,
    ),
    unparsableRate: reasonRate(judged, (judgment) => !judgment.ok),
    truncatedRate: reasonRate(judged, (judgment) => !judgment.ok && judgment.reason === 'truncated'),
    ...(spec.kind === 'pairwise' && orderScores(pairsOf(judged), spec.labels)),
    ...classFacts(outcomes, spec.labels),
    unparsableByReason: unparsableByReason(judged),
    ...furtherScores(request),
  };
}

function classFacts(outcomes: readonly Outcome[], labels: readonly string[]) {
  const kappa = cohenKappa(outcomes);
  return {
    balancedAccuracy: balancedAccuracy(outcomes, labels),
    ...(kappa !== undefined && { cohenKappa: kappa }),
    perClass: labels.map((label) => ({ label, ...classScores(outcomes, label) })),
    confusion: confusionOf(outcomes, labels),
  };
}

function unparsableByReason(judged: readonly JudgedExample[]): Readonly<Record<string, number>> {
  const reasons = judged.flatMap(({ judgment }) => (judgment.ok ? [] : [judgment.reason]));
  const rate = (reason: string): number => reasons.filter((each) => each === reason).length / judged.length;
  return Object.fromEntries([...new Set(reasons)].sort().map((reason) => [reason, rate(reason)]));
}

/** What only some tasks and some evaluations have. */
function furtherScores({ task, spec, split, judged, resampleCount, seed, cues }: ScoresRequest) {
  const correlation = correlationOf(judged, spec.labels);
  const rationales =
    cues &&
    rationaleAgreement(
      judged.map(({ judgment }) => judgment),
      cues,
    );
  const choices = judged.flatMap(({ example: { label, groupKey }, probabilities }) =>
    probabilities === undefined ? [] : [{ label, probabilities, clusterKey: groupKey }],
  );
  assert(choices.length === 0 || choices.length === judged.length, 'probabilities of all examples or of none');
  const rng = new Rng('bootstrap', seed, task, split);
  return {
    ...(correlation && { correlation }),
    ...(rationales && { rationales }),
    ...(choices.length > 0 && { forcedChoice: forcedChoiceScores(choices, spec.labels, resampleCount, rng) }),
  };
}
