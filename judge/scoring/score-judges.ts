/** All scores of the verdicts that several judges gave on the same rows, and which differences between judges hold. */
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { LabelledRow } from '../datasets/labelled-rows.ts';
import type { JudgedExample } from '../evaluation/metric.ts';
import { outcomeOf } from '../evaluation/outcome.ts';
import { taskScores } from '../evaluation/scores.ts';
import type { ClusteredOutcome } from '../evaluation/statistics/bootstrap.ts';
import { holmAdjusted } from '../evaluation/statistics/holm.ts';
import { mcNemar } from '../evaluation/statistics/mcnemar.ts';
import type { TaskScores } from '../evaluation/task-scores.ts';
import type { Example, Judgment } from '../example.ts';
import { candidateCountOf } from '../kinds/candidate-count.ts';
import { inOrder, ordersOf } from '../tasks/reorder.ts';
import { type JointBootstrap, jointBootstrap, type JudgeOutcomes } from './joint-bootstrap.ts';

export interface JudgedVerdict {
  readonly rowId: string;
  readonly swapped: boolean;
  readonly text: string | undefined;
  readonly judgment: Judgment;
  readonly cost?: number;
  readonly latency?: number;
}

export interface JudgeScores {
  readonly judge: string;
  /** Its verdicts on rows of the task. */
  readonly verdictCount: number;
  /** Rows of the task that it gave no verdict on, not even an empty one: they do not count. */
  readonly missingCount: number;
  readonly accuracyCi95: readonly [number, number];
  readonly scores: TaskScores;
  /** The commonest texts that are no verdict; null stands for none at all. */
  readonly unread: readonly { readonly text: string | null; readonly count: number }[];
  readonly cost?: Spent;
  /** Seconds. */
  readonly latency?: Spent;
}

interface Spent {
  readonly count: number;
  readonly sum: number;
  readonly mean: number;
}

/** Two judges on the verdicts that both gave. P-values are two-sided, and corrected over all pairs of judges (Holm). */
export interface JudgeTest {
  readonly judge: string;
  readonly other: string;
  readonly verdictCount: number;
  /** Accuracy of the judge minus that of the other, with its interval by the paired cluster bootstrap. */
  readonly difference: number;
  readonly ci95: readonly [number, number];
  readonly holmP: number;
  readonly mcNemarHolmP: number;
}

export interface ScoringSettings {
  readonly resampleCount: number;
  readonly seed: number;
}

const unreadTextCountMax = 5;

/** @param verdicts by judge */
export function scoreJudges(
  task: string,
  spec: TaskSpec,
  rows: readonly LabelledRow[],
  verdicts: ReadonlyMap<string, readonly JudgedVerdict[]>,
  settings: ScoringSettings,
): { readonly judges: readonly JudgeScores[]; readonly tests: readonly JudgeTest[] } {
  const byId = new Map(rows.map((row) => [row.id, exampleOf(task, spec, row)]));
  const judged = new Map(
    [...verdicts].map(([judge, given]) => [judge, given.flatMap((one) => judgedExample(one, byId, spec))] as const),
  );
  const { resampleCount, seed } = settings;
  const scored = [...judged].filter(([, given]) => given.length > 0);
  if (scored.length === 0) return { judges: [], tests: [] };
  const outcomes = scored.map(([, given]) => outcomesByKey(given, spec));
  const joint = jointBootstrap(outcomes, spec.labels, resampleCount, new Rng('judges', seed, task));
  const judges = scored.map(([judge, given], j): JudgeScores => {
    const said = required(verdicts.get(judge), judge).filter(({ rowId }) => byId.has(rowId));
    // Its own interval is replaced by that of the common draws; slices keep theirs.
    const ownCount = spec.slices === undefined ? 1 : resampleCount;
    const scores = taskScores({ task, spec, split: 'test', judged: given, resampleCount: ownCount, seed });
    return {
      ...{ judge, verdictCount: given.length },
      missingCount: rows.length - new Set(said.map(({ rowId }) => rowId)).size,
      accuracyCi95: required(joint.accuracy[j], judge),
      scores: { ...scores, ci95: required(joint.macroF1[j], judge) },
      unread: unreadTexts(said),
      ...spent('cost', said),
      ...spent('latency', said),
    };
  });
  const names = scored.map(([judge]) => judge);
  return { judges, tests: testsOf(names, outcomes, joint) };
}

/** Recorded verdicts need no candidates, but their number, to exchange them. */
function exampleOf(task: string, spec: TaskSpec, row: LabelledRow): Example {
  const length = candidateCountOf(spec)?.max ?? 0;
  return {
    ...{ ...row, task, split: 'test', images: [], fields: {} },
    candidates: Array.from({ length }, () => []),
  };
}

function judgedExample(
  { rowId, swapped, judgment }: JudgedVerdict,
  byId: ReadonlyMap<string, Example>,
  spec: TaskSpec,
): JudgedExample[] {
  const example = byId.get(rowId);
  if (example === undefined) return [];
  const [, order] = ordersOf(example, spec);
  if (!swapped || order === undefined) return [{ example, judgment }];
  const turned = { ...example, id: `${rowId}#swapped`, ...inOrder(example, spec.labels, order) };
  return [{ example: turned, judgment, reordered: { of: rowId, order } }];
}

/** By example and order, so that judges are compared on the same ones. */
function outcomesByKey(judged: readonly JudgedExample[], spec: TaskSpec): Map<string, ClusteredOutcome> {
  return new Map(
    judged.map(({ example, judgment }) => [
      example.id,
      { ...outcomeOf(example, judgment, spec), clusterKey: example.groupKey },
    ]),
  );
}

function testsOf(
  names: readonly string[],
  outcomes: readonly JudgeOutcomes[],
  { differences }: JointBootstrap,
): JudgeTest[] {
  const found = names.flatMap((judge, i) =>
    names.slice(0, i).flatMap((other, k) => {
      const compared = differences[i]?.[k];
      if (compared === undefined) return [];
      const [own, theirs] = [required(outcomes[i], judge), required(outcomes[k], other)];
      const shared = [...own.keys()].filter((key) => theirs.has(key));
      const [first, second] = [own, theirs].map((of) => shared.map((key) => required(of.get(key), key)));
      const { exactP } = mcNemar(required(first, judge), required(second, other));
      return [{ judge, other, verdictCount: shared.length, ...compared, exactP }];
    }),
  );
  const holm = holmAdjusted(found.map(({ p }) => p));
  const exact = holmAdjusted(found.map(({ exactP }) => exactP));
  return found.map(({ judge, other, verdictCount, difference, ci95 }, i) => ({
    ...{ judge, other, verdictCount, difference, ci95 },
    ...{ holmP: holm[i] ?? 1, mcNemarHolmP: exact[i] ?? 1 },
  }));
}

function unreadTexts(said: readonly JudgedVerdict[]): JudgeScores['unread'] {
  const counts = new Map<string | null, number>();
  for (const { judgment, text = null } of said) if (!judgment.ok) counts.set(text, (counts.get(text) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a).map(([text, count]) => ({ text, count }));
  return sorted.slice(0, unreadTextCountMax);
}

function spent<Name extends 'cost' | 'latency'>(
  name: Name,
  said: readonly JudgedVerdict[],
): { readonly [N in Name]?: Spent } {
  const values = said.flatMap((one) => one[name] ?? []);
  if (values.length === 0) return {};
  const sum = values.reduce((total, value) => total + value, 0);
  return { [name]: { count: values.length, sum, mean: sum / values.length } } as { readonly [N in Name]?: Spent };
}
