/**
 * Rows of recipes/real-votes.yaml, from the published votes on what a picture shows: whoever named a class has also
 * answered the question whether the picture shows any other one.
 */
import { Rng } from '../core/rng.ts';

/** A picture as published: class -> how many of its `n_votes` people named it. */
export interface VotedPicture {
  readonly image: string;
  readonly human_votes: Readonly<Record<string, number>>;
  readonly n_votes: number;
}

/** A vote for none of the classes. */
export const noClass = 'na';

export interface ShowsRow {
  readonly id: string;
  readonly image: string;
  /** Ends with the class that is asked about, as the published statements do. */
  readonly statement: string;
  readonly label: 'yes' | 'no';
  /** What one of the people who gave the label saw. */
  readonly seen: string;
}

/** In the order of the alphabet. */
export function classesOf(pictures: readonly VotedPicture[]): string[] {
  const named = new Set(pictures.flatMap(({ human_votes: votes }) => Object.keys(votes)));
  named.delete(noClass);
  return [...named].sort();
}

/**
 * A picture with each class: yes if more than half of the people named it, no if at most a quarter did and somebody named
 * another class, of whom one is drawn by seed. What lies between makes no row.
 */
export function showsRowsOf(pictures: readonly VotedPicture[], classes: readonly string[], seed: number): ShowsRow[] {
  return pictures.flatMap(({ image, human_votes: votes, n_votes: count }) =>
    classes.flatMap((asked): ShowsRow[] => {
      const row = { id: `${image}#${asked}`, image, statement: `This picture shows: ${asked}.` };
      const share = (votes[asked] ?? 0) / count;
      if (share > 0.5) return [{ ...row, label: 'yes', seen: asked }];
      const others = classes.flatMap((name) => (name === asked ? [] : Array<string>(votes[name] ?? 0).fill(name)));
      if (share > 0.25 || others.length === 0) return [];
      return [{ ...row, label: 'no', seen: new Rng('seen', seed, image, asked).pick(others) }];
    }),
  );
}
