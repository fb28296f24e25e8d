/** Votes of several people on one row, as counts: their size does not depend on the number of people. */
import type { VoteCount } from './example.ts';

/** One entry a vote, in the order in which they were first given. */
export function voteCounts(votes: readonly VoteCount[]): VoteCount[] {
  const counts = new Map<string | null, number>();
  for (const [vote, count] of votes) counts.set(vote, (counts.get(vote) ?? 0) + count);
  return [...counts];
}

/** Abstentions included. */
export function voteTotal(votes: readonly VoteCount[]): number {
  return votes.reduce((sum, [, count]) => sum + count, 0);
}
