/** The judged examples that several people voted on, in the order of the row alone, in which the votes are. */
import type { VoteCount } from '../../example.ts';
import type { JudgedExample } from '../metric.ts';

export interface VotedExample extends JudgedExample {
  readonly votes: readonly VoteCount[];
}

/** Those with at least two votes; an abstention is one. */
export function votedExamples(judged: readonly JudgedExample[]): VotedExample[] {
  return judged.flatMap((one) => {
    const { votes } = one.example;
    if (votes === undefined || one.reordered !== undefined || voteCount(votes) < 2) return [];
    return [{ ...one, votes }];
  });
}

export function voteCount(votes: readonly VoteCount[]): number {
  return votes.reduce((sum, [, count]) => sum + count, 0);
}
