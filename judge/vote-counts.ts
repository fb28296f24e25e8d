/** Votes of several people on one row, as counts: their size does not depend on the number of people. */
import type { Rng } from '../core/rng.ts';
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

/** A vote drawn in the proportions of the counts; abstentions are not drawn. Undefined if there is no other vote. */
export function drawnVote(votes: readonly VoteCount[], rng: Rng): string | undefined {
  const given = votes.flatMap(([vote, count]) => (vote === null ? [] : [{ vote, count }]));
  let left = rng.uniform() * given.reduce((sum, { count }) => sum + count, 0);
  return given.find(({ count }) => (left -= count) < 0)?.vote;
}
