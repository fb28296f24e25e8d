/** The judged examples that several people voted on, in the order of the row alone, in which the votes are. */
import type { VoteCount } from '../../example.ts';
import { voteTotal } from '../../vote-counts.ts';
import type { JudgedExample } from '../metric.ts';

export interface VotedExample extends JudgedExample {
  readonly votes: readonly VoteCount[];
}

/** Those with at least two votes; an abstention is one. */
export function votedExamples(judged: readonly JudgedExample[]): VotedExample[] {
  return judged.flatMap((one) => {
    const { votes } = one.example;
    if (votes === undefined || one.reordered !== undefined || voteTotal(votes) < 2) return [];
    return [{ ...one, votes }];
  });
}
