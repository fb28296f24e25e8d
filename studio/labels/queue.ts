/** Examples to label, in the order that was asked for. What judges said about them is in no answer of the queue. */
import { digestOf } from '../../core/json.ts';
import type { Split } from '../../judge/example.ts';
import { openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { armOf, taskOf } from '../../pipeline/recipe-access.ts';
import type { QueueView } from '../api.ts';
import type { Library } from '../library.ts';
import { exampleView } from '../reading/example-view.ts';
import { judgedRows } from '../reading/judgments.ts';
import { datasetRefOf, type OpenExperiment, openExperiment } from '../reading/open-experiment.ts';
import { labelledRows } from './label-store.ts';
import type { QueueOrder } from './person-label.ts';

export interface QueueRequest {
  readonly task: string;
  readonly order: QueueOrder;
  /** Whose labels leave an example out. */
  readonly by: string;
  /** Examples that are passed over for now. */
  readonly skipCount: number;
}

const split: Split = 'test';

/** Of this many rows at most; the first of the split. */
const rowCountMax = 20_000;

export async function nextToLabel(
  library: Library,
  experimentId: string,
  { task, order, by, skipCount }: QueueRequest,
): Promise<QueueView> {
  const experiment = await openExperiment(library, experimentId);
  const spec = taskOf(experiment.recipe, task);
  const dataset = await openDataset(library.cache, await datasetRefOf(library, experiment));
  const rows = [...(await dataset.rowsOf(task, split))].slice(0, rowCountMax);
  const labelled = await labelledRows(library.store, experimentId, task);
  const own = new Set(labelled.flatMap((each) => (each.by === by ? [each.exampleIndex] : [])));
  const ranked = await rankedRows(library, experiment, task, order, rows);
  const waiting = ranked.filter((row) => !own.has(row));
  const next = waiting[Math.min(skipCount, waiting.length - 1)];
  const counts = { labelledCount: own.size, waitingCount: waiting.length };
  if (next === undefined) return { task, order, labels: spec.labels, ...counts };
  const [stored] = await dataset.examplesAt([next]);
  const mode = armOf(experiment.recipe, experiment.runs[0]?.arm ?? '').mode;
  if (stored === undefined) return { task, order, labels: spec.labels, ...counts };
  const { label: _, votes: __, ...shown } = exampleView(stored, next, {}, experiment.recipe, mode);
  return { task, order, labels: spec.labels, ...counts, example: shown };
}

async function rankedRows(
  library: Library,
  experiment: OpenExperiment,
  task: string,
  order: QueueOrder,
  rows: readonly number[],
): Promise<number[]> {
  // A shuffle that is the same at every call, and breaks ties in the other orders.
  const place = new Map(rows.map((row) => [row, digestOf(['label', experiment.experimentId, task, row])]));
  const shuffled = [...rows].sort((a, b) => ((place.get(a) ?? '') < (place.get(b) ?? '') ? -1 : 1));
  if (order === 'random') return shuffled;
  const worth = await worths(library, experiment, task, order);
  return shuffled.sort((a, b) => (worth.get(b) ?? 0) - (worth.get(a) ?? 0));
}

/** Row -> how much there is to learn from its label; larger comes first. */
async function worths(
  library: Library,
  experiment: OpenExperiment,
  task: string,
  order: Exclude<QueueOrder, 'random'>,
): Promise<ReadonlyMap<number, number>> {
  const verdicts = new Map<number, string[]>();
  const doubts = new Map<number, number>();
  for (const { runName, evaluations } of experiment.runs) {
    if (!evaluations.some(({ scores }) => scores.task === task)) continue;
    for (const { exampleIndex, judgment, order: shownIn, probabilities } of await judgedRows(library, experiment, {
      ...{ run: runName, task },
    })) {
      if (shownIn === 0)
        verdicts.set(exampleIndex, [...(verdicts.get(exampleIndex) ?? []), judgment.ok ? judgment.verdict : '']);
      if (probabilities) doubts.set(exampleIndex, Math.max(doubts.get(exampleIndex) ?? 0, entropyOf(probabilities)));
    }
  }
  const split = new Map([...verdicts].map(([row, said]) => [row, entropyOf(sharesOf(said))]));
  // Without probabilities, judges are unsure where they differ.
  return order === 'uncertainty' && doubts.size > 0 ? doubts : split;
}

function sharesOf(values: readonly string[]): number[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()].map((count) => count / values.length);
}

/** In nats. */
function entropyOf(shares: readonly number[]): number {
  return shares.reduce((sum, share) => (share > 0 ? sum - share * Math.log(share) : sum), 0);
}
