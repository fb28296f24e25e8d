/**
 * The result of judging an unlabelled row: verdict, rationale and probabilities; of candidates, combined over all orders.
 */
import { unparsableText } from './unparsable.ts';
import { assert } from '../../core/assert.ts';
import type { Judgment } from '../example.ts';
import type { Labels, Order } from '../kinds/kind.ts';
import { placesNamed } from '../kinds/ranking-label.ts';
import { labelInOrder, verdictInRow } from '../tasks/reorder.ts';
import { likeliest } from './forced-choice.ts';
import { atTemperature } from './temperature.ts';

export interface RowAnswer {
  readonly text: string;
  readonly judgment: Judgment;
  /**
   * Probabilities of the task's labels, in their order, for the candidate order of this prompt; undefined for kinds without
   * forced choice.
   */
  readonly probabilities: readonly number[] | undefined;
  /** Order of the candidates; that of the row comes first. */
  readonly order: Order;
}

export interface JudgedRow {
  readonly id: string;
  /** Null if the answer (for candidates: all answers) is unparsable, or if its orders disagree and nothing decides; `likeliest` is still set then. */
  readonly verdict: string | null;
  readonly rationale: string | null;
  /** Reason why the answer is unparsable; of several orders, that of the stored one. */
  readonly unparsable?: string;
  /** Probability by label; the mean over all orders. */
  readonly probabilities?: Readonly<Record<string, number>>;
  readonly likeliest?: string;
  /** The same at the temperature of a calibration, in each order before the mean; they decide nothing. */
  readonly calibratedProbabilities?: Readonly<Record<string, number>>;
  /** Number in the answer; only for score tasks with `real`. */
  readonly score?: number;
  /**
   * Several orders: whether all answers are parsable and choose the same candidate. If not, `verdict` is the most probable
   * one, if an answer gave it; null without probabilities.
   */
  readonly agreement?: boolean;
  /** Decoded completions: the stored order, then the other. */
  readonly answers: readonly string[];
}

/** Combines the answers to one row, in each of its orders; with a temperature, probabilities at that temperature are added. */
export function judgedRow(id: string, answers: readonly RowAnswer[], labels: Labels, temperature?: number): JudgedRow {
  const [first] = answers;
  assert(first !== undefined, `an answer to ${id}`);
  const all = answers.map(({ judgment, order }) =>
    judgment.ok ? { ...judgment, verdict: verdictInRow(judgment.verdict, labels, order) } : judgment,
  );
  const probabilities = meanProbabilities(answers, labels);
  const best = likeliest(probabilities, labels);
  const said = all.flatMap((judgment) => (judgment.ok ? [judgment] : []));
  const isOne = new Set(said.map(({ verdict }) => verdict)).size === 1;
  // Without probabilities nothing decides between orders that disagree.
  const isTold = first.probabilities !== undefined;
  const chosen = isOne ? said[0] : said.find(({ verdict }) => isTold && placesNamed(verdict, labels)[0] === best);
  return {
    ...{ id, verdict: chosen?.verdict ?? null, rationale: chosen?.rationale || null },
    ...(chosen === undefined && !first.judgment.ok && { unparsable: unparsableText(first.judgment) }),
    ...(chosen?.score !== undefined && { score: chosen.score }),
    ...(first.probabilities && {
      probabilities: byLabel(probabilities, labels),
      likeliest: best,
      ...(temperature !== undefined && {
        calibratedProbabilities: byLabel(meanProbabilities(answers, labels, temperature), labels),
      }),
    }),
    ...(answers.length > 1 && { agreement: isOne && said.length === answers.length }),
    answers: answers.map(({ text }) => text),
  };
}

/** Mean over the answers, of the labels in the order of the row. */
function meanProbabilities(answers: readonly RowAnswer[], labels: Labels, temperature?: number): number[] {
  const all = answers.map(({ probabilities, order }) => {
    const own = temperature === undefined || !probabilities ? probabilities : atTemperature(probabilities, temperature);
    return labels.map((label) => own?.[labels.indexOf(labelInOrder(label, labels, order))] ?? 0);
  });
  return labels.map((_, i) => all.reduce((sum, each) => sum + (each[i] ?? 0), 0) / all.length);
}

function byLabel(values: readonly number[], labels: Labels): Record<string, number> {
  return Object.fromEntries(labels.map((label, i) => [label, values[i] ?? 0]));
}
