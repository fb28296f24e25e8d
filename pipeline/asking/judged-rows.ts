/** What becomes of rows that are judged, whoever is asked: greedy answers parsed strictly, in all orders of their kind. */
import { required } from '../../core/assert.ts';
import { type JudgedRow, judgedRow, type RowAnswer } from '../../judge/evaluation/judged-row.ts';
import { hasForcedChoice } from '../../judge/kinds/table.ts';
import { ordersOf } from '../../judge/tasks/reorder.ts';
import { answers, type Asking } from './answers.ts';
import { shownOf } from './shown.ts';

/** The artifact that `judgeRows` and `judgeRowsEndpoint` store. */
export interface JudgedRows {
  readonly schema: 1;
  readonly task: string;
  /** One per row that could be shown, in dataset order. */
  readonly rows: readonly JudgedRow[];
}

/** The split of unlabelled rows (judge/datasets/rows/rows-to-judge.ts). */
const splitOfRows = 'test';

export async function judgedRows(asking: Asking, task: string, tokenCountMax: number): Promise<JudgedRow[]> {
  const { asker, dataset, waits, spec, mode } = asking;
  const shown = await waits.for(shownOf(dataset, spec, { task, split: splitOfRows }));
  const questions = await asker.ofExamples(
    shown.map(({ example }) => example),
    mode,
  );
  const found = (await answers(asking, shown, questions, { temperature: 1, greedy: true, tokenCountMax }, 1)).flat();
  const judgments = found.map(({ judgment }) => judgment);
  const probabilities = (hasForcedChoice(spec) && (await questions.labelProbabilities?.(judgments))) || [];
  const byRow = new Map<number, { id: string; answers: RowAnswer[] }>();
  shown.forEach(({ example, exampleIndex, order }, i) => {
    const { text, judgment } = required(found[i], 'an answer to every prompt');
    const row = byRow.get(exampleIndex) ?? { id: example.id, answers: [] };
    byRow.set(exampleIndex, row);
    row.answers.push({
      ...{ text, judgment, probabilities: probabilities[i] },
      order: required(ordersOf(example, spec)[order], 'the order shown'),
    });
  });
  return [...byRow.values()].map(({ id, answers: said }) => judgedRow(id, said, spec.labels));
}

export function countsOf(rows: readonly JudgedRow[]) {
  const agreements = rows.flatMap(({ agreement }) => agreement ?? []);
  return {
    rowCount: rows.length,
    unparsableCount: rows.filter(({ unparsable }) => unparsable !== undefined).length,
    ...(agreements.length > 0 && { agreementRate: agreements.filter(Boolean).length / agreements.length }),
  };
}
