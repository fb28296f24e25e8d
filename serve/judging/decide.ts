/** The verdict of several answers to one row: of votes in one order, and of several orders. */
import { type JudgedRow, judgedRow, type RowAnswer } from '../../judge/evaluation/judged-row.ts';
import { rationaleSoFar } from '../../judge/tasks/rationale-so-far.ts';
import { verdictInRow } from '../../judge/tasks/reorder.ts';
import { kindOf } from '../../judge/kinds/table.ts';
import type { AnsweredRow } from '../../pipeline/asking/judged-rows.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';

export interface DecidedRow extends JudgedRow {
  /** Votes for each verdict, in the order of the row; unparsable answers vote for none. */
  readonly votes?: Readonly<Record<string, number>>;
  /** Whether the verdict is the most probable label, in place of none. */
  readonly constrained?: true;
}

/** The row with the most probable label as its verdict if it has none. */
export function constrainedRow(row: DecidedRow, { verdictFormat }: TaskSpec): DecidedRow {
  const { unparsable: _, ...rest } = row;
  if (row.verdict !== null || row.likeliest === undefined) return row;
  const rationale = rationaleSoFar(row.answers[0] ?? '', verdictFormat);
  return { ...rest, verdict: row.likeliest, rationale: row.rationale ?? (rationale || null), constrained: true };
}

/**
 * In each order the most frequent verdict counts. Orders that disagree, or in which several verdicts are equally
 * frequent, make a tie. Probabilities are those of `judgedRow`.
 */
export function decidedRow(
  { id, answers }: AnsweredRow,
  spec: TaskSpec,
  voteCount: number,
  temperature?: number,
): DecidedRow {
  const byOrder = Array.from({ length: answers.length / voteCount }, (_, i) =>
    answers.slice(i * voteCount, (i + 1) * voteCount),
  );
  const firsts = byOrder.flatMap(([first]) => first ?? []);
  const { unparsable, agreement: _, score: __, ...said } = judgedRow(id, firsts, spec.labels, temperature);
  const counts = byOrder.map((group) => countsOf(group, spec));
  const decisions = counts.flatMap((votes) => (votes.size === 0 ? [] : [mostFrequent(votes)]));
  const [verdict] = decisions;
  const isOne = verdict !== undefined && decisions.every((each) => each === verdict);
  const chosen = decisions.length === 0 ? null : isOne ? verdict : tieOf(spec);
  const told = answers.find((answer) => chosen !== null && verdictOf(answer, spec) === chosen)?.judgment;
  return {
    ...said,
    verdict: chosen,
    rationale: (told?.ok === true && told.rationale) || null,
    ...(decisions.length === 0 && unparsable !== undefined && { unparsable }),
    ...(told?.ok === true && told.score !== undefined && { score: told.score }),
    ...(byOrder.length > 1 && { agreement: isOne && decisions.length === byOrder.length }),
    ...(voteCount > 1 && { votes: Object.fromEntries(together(counts)) }),
    answers: answers.map(({ text }) => text),
  };
}

function verdictOf({ judgment, order }: RowAnswer, { labels }: TaskSpec): string | undefined {
  return judgment.ok ? verdictInRow(judgment.verdict, labels, order) : undefined;
}

function countsOf(answers: readonly RowAnswer[], spec: TaskSpec): Map<string, number> {
  const counts = new Map<string, number>();
  for (const answer of answers) {
    const verdict = verdictOf(answer, spec);
    if (verdict !== undefined) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  }
  return counts;
}

/** Undefined if several are equally frequent. */
function mostFrequent(counts: ReadonlyMap<string, number>): string | undefined {
  const most = Math.max(...counts.values());
  const found = [...counts].filter(([, count]) => count === most);
  return found.length === 1 ? found[0]?.[0] : undefined;
}

function together(counts: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const all = new Map<string, number>();
  for (const [verdict, count] of counts.flatMap((each) => [...each])) all.set(verdict, (all.get(verdict) ?? 0) + count);
  return all;
}

/** The task's label of ties; `tie` if it compares candidates and has none; null if its verdicts have no ties. */
function tieOf(spec: TaskSpec): string | null {
  const kind = kindOf(spec);
  return kind.labelsArePlaces ? (kind.tieLabel?.(spec.labels) ?? 'tie') : null;
}
