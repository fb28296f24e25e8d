/** Stored answers of an evaluation: those of a cell of the confusion matrix, order flips, probes. */
import { MtrlError } from '../../core/errors.ts';
import type { Example, Judgment } from '../../judge/example.ts';
import { outcomeOf } from '../../judge/evaluation/outcome.ts';
import { isRight } from '../../judge/kinds/table.ts';
import { ordersOf, verdictInRow } from '../../judge/tasks/reorder.ts';
import {
  type EvaluationJudgment,
  type EvaluationJudgments,
  judgmentsFormat,
} from '../../pipeline/asking/judgments-artifact.ts';
import { openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { orderIndexOf, shownExample } from '../../pipeline/data/shown-example.ts';
import { taskOf } from '../../pipeline/recipe-access.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { JudgmentPage, JudgmentRow } from '../api.ts';
import type { Library } from '../library.ts';
import { datasetRefOf, type OpenExperiment, openExperiment, runOf } from './open-experiment.ts';
import { pageOf } from './page-of.ts';

export interface JudgmentFilter {
  readonly run: string;
  readonly task: string;
  /** A mode or probe of the evaluation, instead of the strict answers. */
  readonly variant?: string;
  /** Class of the label, a row of the confusion matrix. */
  readonly label?: string;
  /** Class of the verdict, a column; `unparsable` for answers that could not be read. */
  readonly verdict?: string;
  readonly right?: boolean;
  /** Only examples whose orders choose different candidates. */
  readonly flips?: boolean;
  /** Value of a row field: `field=value`. */
  readonly slice?: string;
}

export async function judgmentPage(
  library: Library,
  experimentId: string,
  filter: JudgmentFilter,
  after?: string,
): Promise<JudgmentPage> {
  const experiment = await openExperiment(library, experimentId);
  const judged = await judgedRows(library, experiment, filter);
  const spec = taskOf(experiment.recipe, filter.task);
  const matching = judged.filter((row) => isMatch(row, spec, filter));
  const { rows, ...page } = pageOf(matching, after);
  return { rows: rows.map(({ example: _, ...row }) => row), matchCount: matching.length, ...page };
}

/** A judgment with its example as it was shown. */
export interface JudgedRowOfExample extends JudgmentRow {
  readonly example: Example;
}

/** All answers of a run to a task. Throws NOT_FOUND. */
export async function judgedRows(
  library: Library,
  experiment: OpenExperiment,
  { run: runName, task, variant }: Pick<JudgmentFilter, 'run' | 'task' | 'variant'>,
): Promise<JudgedRowOfExample[]> {
  const { evaluations } = runOf(experiment, runName);
  const evaluation = evaluations.find(({ scores }) => scores.task === task);
  if (evaluation === undefined) {
    throw new MtrlError('NOT_FOUND', 'the run has no evaluation of this task', {
      where: `${runName}, task ${task}`,
      found: evaluations.length === 0 ? 'none yet' : evaluations.map(({ scores }) => scores.task).join(', '),
    });
  }
  const stored = await library.cache.getDocument(evaluation.judgments, judgmentsFormat);
  const judgments = judgmentsOf(stored, variant);
  const spec = taskOf(experiment.recipe, task);
  const dataset = await openDataset(library.cache, await datasetRefOf(library, experiment));
  const examples = await dataset.examplesAt(judgments.map(({ exampleIndex }) => exampleIndex));
  const rows = judgments.flatMap((one, i): JudgedRowOfExample[] => {
    const example = examples[i];
    return example === undefined ? [] : [rowOf(one, shownExample(example, one, spec), spec)];
  });
  return withAgreement(rows, spec);
}

function judgmentsOf({ judgments, variants = [] }: EvaluationJudgments, variant: string | undefined) {
  if (variant === undefined) return judgments;
  const found = variants.find(({ name }) => name === variant);
  if (found !== undefined) return found.judgments;
  throw new MtrlError('NOT_FOUND', 'the evaluation has no such mode or probe', {
    where: variant,
    found: variants.map(({ name }) => name).join(', ') || 'none',
  });
}

function rowOf(one: EvaluationJudgment, example: Example, spec: TaskSpec): JudgedRowOfExample {
  const { exampleId, exampleIndex, label, text, judgment, probabilities } = one;
  return {
    ...{ exampleId, exampleIndex, label, text, judgment, example, images: example.images },
    order: orderIndexOf(one),
    isRight: isRightOf(judgment, label, spec),
    ...(probabilities && { probabilities }),
  };
}

export function isRightOf(judgment: Judgment, label: string, spec: TaskSpec): boolean {
  return judgment.ok && isRight(spec, judgment.verdict, label);
}

/** Marks the rows of examples that were asked in several orders. */
function withAgreement(rows: readonly JudgedRowOfExample[], spec: TaskSpec): JudgedRowOfExample[] {
  const choices = new Map<number, Set<string | null>>();
  const asked = new Map<number, number>();
  for (const { exampleIndex, example, order, judgment } of rows) {
    const inOrder = ordersOf(example, spec)[order];
    const choice = judgment.ok && inOrder ? verdictInRow(judgment.verdict, spec.labels, inOrder) : null;
    choices.set(exampleIndex, (choices.get(exampleIndex) ?? new Set()).add(choice));
    asked.set(exampleIndex, (asked.get(exampleIndex) ?? 0) + 1);
  }
  return rows.map((row) => {
    if ((asked.get(row.exampleIndex) ?? 0) < 2) return row;
    const found = choices.get(row.exampleIndex);
    return { ...row, agrees: found?.size === 1 && !found.has(null) };
  });
}

function isMatch(row: JudgedRowOfExample, spec: TaskSpec, filter: JudgmentFilter): boolean {
  const { label, verdict, right, flips, slice } = filter;
  const outcome = outcomeOf(row, row.judgment, spec);
  return (
    (label === undefined || outcome.label === label) &&
    (verdict === undefined || (outcome.predicted ?? 'unparsable') === verdict) &&
    (right === undefined || row.isRight === right) &&
    (flips !== true || row.agrees === false) &&
    (slice === undefined || isInSlice(row.example, slice))
  );
}

function isInSlice({ attributes = {} }: Example, slice: string): boolean {
  const at = slice.indexOf('=');
  return attributes[slice.slice(0, at)] === slice.slice(at + 1);
}
