/** All scores of the verdicts that several judges gave on the same rows, and which differences between judges hold. */
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { LabelledRow } from '../datasets/labelled-rows.ts';
import type { JudgedExample } from '../evaluation/metric.ts';
import { baselinesOf } from '../evaluation/baselines.ts';
import { taskScores } from '../evaluation/scores.ts';
import { holmAdjusted } from '../evaluation/statistics/holm.ts';
import { mcNemar } from '../evaluation/statistics/mcnemar.ts';
import type { TaskScores } from '../evaluation/task-scores.ts';
import type { Example, Judgment } from '../example.ts';
import type { Order } from '../kinds/kind.ts';
import { candidateCountOf } from '../kinds/candidate-count.ts';
import { classLabels, classOf } from '../kinds/table.ts';
import { inOrder, ordersOf } from '../tasks/reorder.ts';
import { type FirstPlace, firstPlaceOf } from './first-place.ts';
import {
  type Interval,
  type Intervals,
  type JointBootstrap,
  jointBootstrap,
  type JudgeOutcomes,
} from './joint-bootstrap.ts';
import { judgeOutcomes } from './judge-outcomes.ts';

export interface JudgedVerdict {
  readonly rowId: string;
  /** See GivenVerdict. */
  readonly order: number;
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
  /** Verdicts on rows and orders that it had judged before: only the first counts. */
  readonly repeatedCount: number;
  readonly accuracyCi95: Interval;
  /** 95 % intervals by the name of the score, accuracy among them. */
  readonly intervals: Intervals;
  readonly scores: TaskScores;
  /** For tasks that compare. */
  readonly firstPlace?: FirstPlace;
  /** The commonest texts that are no verdict, cut to a few lines; null stands for none at all. */
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

export interface Scoring {
  readonly judges: readonly JudgeScores[];
  readonly tests: readonly JudgeTest[];
}

const unreadTextCountMax = 5;
const unreadTextLengthMax = 2_000;

/** @param verdicts by judge */
export function scoreJudges(
  task: string,
  spec: TaskSpec,
  rows: readonly LabelledRow[],
  verdicts: ReadonlyMap<string, readonly JudgedVerdict[]>,
  settings: ScoringSettings,
): Scoring {
  const rowById = new Map(rows.map((row) => [row.id, row]));
  const byId = new Map(rows.map((row) => [row.id, exampleOf(task, spec, row)]));
  const judged = [...verdicts].map(([judge, given]) => ({ judge, ...judgedExamples(given, byId, spec) }));
  const { resampleCount, seed } = settings;
  const scored = judged.filter(({ examples }) => examples.length > 0);
  if (scored.length === 0) return { judges: [], tests: [] };
  const outcomes = scored.map(({ examples }) => judgeOutcomes(task, spec, examples));
  const labels = classLabels(spec);
  const joint = jointBootstrap(outcomes, labels, resampleCount, new Rng('judges', seed, task));
  const judges = scored.map(({ judge, examples, said, repeatedCount }, j): JudgeScores => {
    const intervals = required(joint.intervals[j], judge);
    // Where the common draws have an interval of Macro-F1, its own is replaced; slices and the human ceiling keep theirs.
    const isDrawn = labels.length > 0 && spec.slices === undefined && rows.every(({ votes }) => votes === undefined);
    const own = { resampleCount: isDrawn ? 1 : resampleCount, seed };
    const scores = taskScores({ task, spec, split: 'test', judged: examples, ...own });
    const { absoluteError } = scores;
    const ofMacroF1 = intervals.macroF1 ?? scores.ci95;
    const errorCi95 = intervals['absoluteError'];
    const firstPlace = firstPlaceOf(examples, spec);
    const baselines = baselinesOn(said, rowById, spec);
    return {
      ...{ judge, verdictCount: examples.length, repeatedCount },
      missingCount: rows.length - new Set(said.map(({ rowId }) => rowId)).size,
      accuracyCi95: required(intervals.accuracy, judge),
      intervals: { ...intervals, ...(ofMacroF1 && { macroF1: ofMacroF1 }) },
      scores: {
        ...{ ...scores, ...(ofMacroF1 && { ci95: ofMacroF1 }), ...(baselines && { baselines }) },
        ...(absoluteError && { absoluteError: { ...absoluteError, ci95: errorCi95 ?? absoluteError.ci95 } }),
      },
      ...(firstPlace && { firstPlace }),
      unread: unreadTexts(said),
      ...spent('cost', said),
      ...spent('latency', said),
    };
  });
  const names = scored.map(({ judge }) => judge);
  return { judges, tests: testsOf(names, outcomes, joint) };
}

/** Recorded verdicts need no candidates, but their number, to exchange them. */
function exampleOf(task: string, spec: TaskSpec, row: LabelledRow): Example {
  const { candidateLengths, ...known } = row;
  const length = candidateLengths?.length ?? candidateCountOf(spec)?.max ?? 0;
  return {
    ...{ ...known, task, split: 'test', images: [], fields: {} },
    candidates: Array.from({ length }, () => []),
  };
}

/** Judges that read nothing, on the rows that this judge judged, in the order of the row. */
function baselinesOn(said: readonly JudgedVerdict[], byId: ReadonlyMap<string, LabelledRow>, spec: TaskSpec) {
  if (candidateCountOf(spec) === undefined) return undefined;
  const rows = [...new Set(said.map(({ rowId }) => rowId))].map((id) => required(byId.get(id), id));
  return baselinesOf(
    rows.map(({ label, candidateLengths = [] }) => ({
      place: spec.labels.indexOf(classOf(spec, label)),
      lengths: candidateLengths,
    })),
  );
}

interface JudgedExamples {
  readonly examples: readonly JudgedExample[];
  /** The verdicts behind them. */
  readonly said: readonly JudgedVerdict[];
  readonly repeatedCount: number;
}

/** Verdicts on rows of the task, those in the order of the row before the others, each row and order once. */
function judgedExamples(
  given: readonly JudgedVerdict[],
  byId: ReadonlyMap<string, Example>,
  spec: TaskSpec,
): JudgedExamples {
  const known = given.filter(({ rowId }) => byId.has(rowId));
  const first = new Map<string, JudgedVerdict & { readonly example: Example; readonly turned?: Order }>();
  for (const one of known) {
    const example = required(byId.get(one.rowId), one.rowId);
    const turned = one.order === 0 ? undefined : ordersOf(example, spec)[one.order];
    const key = `${turned?.join() ?? ''} ${one.rowId}`;
    if (!first.has(key)) first.set(key, { ...one, example, ...(turned && { turned }) });
  }
  const said = [...first.values()].sort((a, b) => a.order - b.order);
  const asStored = new Set(said.flatMap(({ rowId, turned }) => (turned === undefined ? [rowId] : [])));
  const examples = said.map(({ example, turned, rowId, order, judgment }): JudgedExample => {
    if (turned === undefined) return { example, judgment };
    const shown = { ...example, id: `${rowId}#order-${String(order)}`, ...inOrder(example, spec.labels, turned) };
    return { example: shown, judgment, ...(asStored.has(rowId) && { reordered: { of: rowId, order: turned } }) };
  });
  return { examples, said, repeatedCount: known.length - said.length };
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
  for (const { judgment, text: whole } of said) {
    const text = whole?.slice(0, unreadTextLengthMax) ?? null;
    if (!judgment.ok) counts.set(text, (counts.get(text) ?? 0) + 1);
  }
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
