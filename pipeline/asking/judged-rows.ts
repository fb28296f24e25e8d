/** What becomes of rows that are judged, whoever is asked: greedy answers parsed strictly, in all orders of their kind. */
import { required } from '../../core/assert.ts';
import { type JudgedRow, judgedRow, type RowAnswer } from '../../judge/evaluation/judged-row.ts';
import type { Judgment } from '../../judge/example.ts';
import { hasForcedChoice } from '../../judge/kinds/table.ts';
import { rationaleSoFar } from '../../judge/tasks/rationale-so-far.ts';
import { ordersOf } from '../../judge/tasks/reorder.ts';
import type { Sampling } from '../../policy/engine.ts';
import { answers, type Asking } from './answers.ts';
import { type Shown, shownOf } from './shown.ts';

/** The split of unlabelled rows (judge/datasets/rows/rows-to-judge.ts). */
const splitOfRows = 'test';

/** @param temperature of calibrated probabilities; without it there are none */
export async function judgedRows(
  asking: Asking,
  task: string,
  tokenCountMax: number,
  temperature?: number,
): Promise<JudgedRow[]> {
  const sampling: Sampling = { temperature: 1, greedy: true, tokenCountMax };
  const rows = await answeredRows(asking, task, { sampling, sampleCount: 1 });
  return rows.map(({ id, answers: said }) => judgedRow(id, said, asking.spec.labels, temperature));
}

export interface RowsAsked {
  readonly sampling: Sampling;
  /** Answers to each question. */
  readonly sampleCount: number;
  /** Which orders of a row are asked. Default: all of its kind. */
  readonly isAsked?: (shown: Shown) => boolean;
  /** Probabilities of labels follow the rationale of an unparsable answer too, as far as it goes. Default: false. */
  readonly afterUnparsable?: boolean;
}

export interface AnsweredRow {
  readonly id: string;
  /** By order, then by sample. */
  readonly answers: readonly RowAnswer[];
}

/** The answers to each row, in dataset order, with the probabilities of labels after the first answer to each question. */
export async function answeredRows(asking: Asking, task: string, asked: RowsAsked): Promise<AnsweredRow[]> {
  const { asker, dataset, waits, spec, mode } = asking;
  const { sampling, sampleCount, isAsked = () => true, afterUnparsable = false } = asked;
  const all = await waits.for(shownOf(dataset, spec, { task, split: splitOfRows }));
  const ids = new Map(
    all.flatMap(({ example, exampleIndex, order }) => (order === 0 ? [[exampleIndex, example.id]] : [])),
  );
  const shown = all.filter(isAsked);
  const questions = await asker.ofExamples(
    shown.map(({ example }) => example),
    mode,
  );
  const found = await answers(asking, shown, questions, sampling, sampleCount);
  const judgments = found.map(([first]): Judgment => {
    const { judgment, text } = required(first, 'an answer to every prompt');
    if (judgment.ok || !afterUnparsable) return judgment;
    return { ok: true, verdict: '', rationale: rationaleSoFar(text, spec.verdictFormat) };
  });
  const probabilities = (hasForcedChoice(spec) && (await questions.labelProbabilities?.(judgments))) || [];
  const byRow = new Map<number, { id: string; answers: RowAnswer[] }>();
  shown.forEach(({ example, exampleIndex, order }, i) => {
    const row = byRow.get(exampleIndex) ?? { id: required(ids.get(exampleIndex), 'the id of the row'), answers: [] };
    byRow.set(exampleIndex, row);
    for (const { text, judgment } of required(found[i], 'answers to every prompt')) {
      row.answers.push({
        ...{ text, judgment, probabilities: probabilities[i] },
        order: required(ordersOf(example, spec)[order], 'the order shown'),
      });
    }
  });
  return [...byRow.values()];
}

export function countsOf(rows: readonly JudgedRow[]) {
  const agreements = rows.flatMap(({ agreement }) => agreement ?? []);
  return {
    rowCount: rows.length,
    unparsableCount: rows.filter(({ unparsable }) => unparsable !== undefined).length,
    ...(agreements.length > 0 && { agreementRate: agreements.filter(Boolean).length / agreements.length }),
  };
}
