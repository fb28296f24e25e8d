/** A judge's result for an unlabelled row: verdict, rationale, probabilities; for a pair, from both orders. */
import { assert } from '../../core/assert.ts';
import type { Judgment } from '../example.ts';
import { likeliest } from './forced-choice.ts';

export interface RowAnswer {
  readonly text: string;
  readonly judgment: Judgment;
  /** Of the task's labels, in their order, as they were shown. */
  readonly probabilities: readonly number[];
}

export interface JudgedRow {
  readonly id: string;
  /** Null where the answer (of a pair: both) cannot be read; `likeliest` still says something then. */
  readonly verdict: string | null;
  readonly rationale: string | null;
  /** Why it could not be read. */
  readonly unparsable?: string;
  /** By label; of a pair, the mean over both orders. */
  readonly probabilities: Readonly<Record<string, number>>;
  readonly likeliest: string;
  /** Where a score was asked for as a number. */
  readonly score?: number;
  /** Pairs: both orders can be read and choose the same image. Where they do not, `verdict` is the likelier of the two. */
  readonly agreement?: boolean;
  /** As decoded: the first order, then the other. */
  readonly answers: readonly string[];
}

/** `answers`: one, or, of a pair, the stored order and the other. */
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

/** A verdict on the pair in its other order, in the words of the first: its rationale speaks of the other order and stays as it is. */
function turnedJudgment(judgment: Judgment, labels: readonly string[]): Judgment {
  if (!judgment.ok) return judgment;
  return { ...judgment, verdict: labels[labels.length - 1 - labels.indexOf(judgment.verdict)] ?? judgment.verdict };
}
