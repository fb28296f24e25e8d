/** Summary of unparsable answers: counts by reason, and a hint if most were truncated. */
import type { TaskScores } from '../../contract/activities.ts';

type UnreadScores = Pick<
  TaskScores,
  'task' | 'exampleCount' | 'consistencyRate' | 'unparsableRate' | 'unparsableByReason'
>;

const taskCountMax = 20;

/** One line per task, highest rate of unread answers first; empty if all were read. */
export function unreadLines(all: readonly UnreadScores[], tokenCountMax: number): string[] {
  const unread = all
    .filter(({ unparsableRate }) => unparsableRate > 0)
    .sort((a, b) => b.unparsableRate - a.unparsableRate);
  if (unread.length === 0) return [];
  const totals = new Map<string, number>();
  for (const [reason, count] of unread.flatMap(countsOf)) totals.set(reason, (totals.get(reason) ?? 0) + count);
  const rest = unread.length - taskCountMax;
  return [
    ...unread.slice(0, taskCountMax).map((scores) => taskLine(scores, tokenCountMax)),
    ...(rest > 0 ? [`and ${String(rest)} more tasks with unread answers`] : []),
    ...cutOffLines([...totals], tokenCountMax),
  ];
}

/** A hint if most of the unread answers, counted by reason, were truncated; else empty. */
export function cutOffLines(
  counts: readonly (readonly [reason: string, count: number])[],
  tokenCountMax: number,
): string[] {
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  const cutOff = counts.reduce((sum, [reason, count]) => sum + (reason === 'truncated' ? count : 0), 0);
  if (cutOff === 0 || 2 * cutOff <= all) return [];
  return [`most unread answers were cut off: raise evaluation.tokenCountMax, which is ${String(tokenCountMax)}`];
}

function taskLine(scores: UnreadScores, tokenCountMax: number): string {
  const counts = countsOf(scores);
  const unreadCount = counts.reduce((sum, [, count]) => sum + count, 0);
  const cutOff = counts.filter(([reason]) => reason === 'truncated');
  const others = counts.filter(([reason]) => reason !== 'truncated');
  const parts = [
    ...cutOff.map(([, count]) => `${String(count)} cut off after ${String(tokenCountMax)} tokens`),
    ...others.map(([reason, count]) => `${String(count)} ${reason}`),
  ];
  return `${scores.task}: ${String(unreadCount)} of ${String(answerCount(scores))} answers unread: ${parts.join(', ')}`;
}

/** Number of unread answers by reason, most frequent first. */
function countsOf(scores: UnreadScores): (readonly [reason: string, count: number])[] {
  const { unparsableByReason = {} } = scores;
  return Object.entries(unparsableByReason)
    .map(([reason, share]) => [reason, Math.round(share * answerCount(scores))] as const)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a);
}

/** Number of answers: pairs are asked in both orders. */
function answerCount({ exampleCount, consistencyRate }: UnreadScores): number {
  return exampleCount * (consistencyRate === undefined ? 1 : 2);
}
