/**
 * The result of judging an unlabelled row: verdict, rationale and probabilities; for a pair, combined over both orders.
 */
import { assert } from '../../core/assert.ts';
import type { Judgment } from '../example.ts';
import { likeliest } from './forced-choice.ts';

export interface RowAnswer {
  readonly text: string;
  readonly judgment: Judgment;
  /** Probabilities of the task's labels, in their order, for the candidate order of this prompt. */
  readonly probabilities: readonly number[];
}

export interface JudgedRow {
  readonly id: string;
  /** Null if the answer (for a pair: both answers) is unparsable; `likeliest` is still set then. */
  readonly verdict: string | null;
  readonly rationale: string | null;
  /** Reason why the answer is unparsable; for a pair, that of the stored order. */
  readonly unparsable?: string;
  /** Probability by label; for a pair, the mean over both orders. */
  readonly probabilities: Readonly<Record<string, number>>;
  readonly likeliest: string;
  /** Number in the answer; only for score tasks with `real`. */
  readonly score?: number;
  /**
   * Pairs: whether both orders are parsable and choose the same image. If they choose different ones, `verdict` is the
   * more probable of the two.
   */
  readonly agreement?: boolean;
  /** Decoded completions: the stored order, then the other. */
  readonly answers: readonly string[];
}

/** Combines the answers to one row: a single one, or, for a pair, those in the stored order and in the other. */
export function judgedRow(id: string, answers: readonly RowAnswer[], labels: readonly string[]): JudgedRow {
  const [first, other] = answers;
  assert(first !== undefined, `an answer to ${id}`);
  const turned = other && {
    ...other,
    judgment: turnedJudgment(other.judgment, labels),
    probabilities: [...other.probabilities].reverse(),
  };
  const both = turned === undefined ? [first] : [first, turned];
  const probabilities = labels.map(
    (_, i) => both.reduce((sum, each) => sum + (each.probabilities[i] ?? 0), 0) / both.length,
  );
  const best = likeliest(probabilities, labels);
  const said = both.flatMap(({ judgment }) => (judgment.ok ? [judgment] : []));
  const isOne = new Set(said.map(({ verdict }) => verdict)).size === 1;
  const chosen = isOne ? said[0] : said.find(({ verdict }) => verdict === best);
  return {
    ...{ id, verdict: chosen?.verdict ?? null, rationale: chosen?.rationale || null },
    ...(chosen === undefined && !first.judgment.ok && { unparsable: first.judgment.reason }),
    ...(chosen?.score !== undefined && { score: chosen.score }),
    probabilities: Object.fromEntries(labels.map((label, i) => [label, probabilities[i] ?? 0])),
    likeliest: best,
    ...(turned && { agreement: isOne && said.length === 2 }),
    answers: answers.map(({ text }) => text),
  };
}

/**
 * Translates a judgment of the swapped pair to the stored order. The rationale is unchanged: it refers to the swapped
 * order.
 */
function turnedJudgment(judgment: Judgment, labels: readonly string[]): Judgment {
  if (!judgment.ok) return judgment;
  return { ...judgment, verdict: labels[labels.length - 1 - labels.indexOf(judgment.verdict)] ?? judgment.verdict };
}
