/** Columns that differ only in a number, a letter or a word of position: `image_0` and `image_1`, `answer_a`, `chosen`. */

export interface Siblings {
  /** Their name with `*` in place of what differs. */
  readonly pattern: string;
  /** In the order of their positions. */
  readonly names: readonly string[];
  /** What stands in place of `*`. */
  readonly marks: readonly string[];
  /** Whether the name itself says that the first is better: `chosen` and `rejected`. */
  readonly isRanked: boolean;
}

const pairs: readonly (readonly [string, string, isRanked?: true])[] = [
  ['chosen', 'rejected', true],
  ['winner', 'loser', true],
  ['better', 'worse', true],
  ['preferred', 'dispreferred', true],
  ['preferred', 'rejected', true],
  ['accepted', 'rejected', true],
  ['left', 'right'],
  ['first', 'second'],
  ['one', 'two'],
];

interface Mark {
  readonly key: string;
  readonly pattern: string;
  readonly mark: string;
  readonly rank: number;
  readonly isRanked: boolean;
}

/** The ways to read a name as one of several. */
function marksIn(name: string): Mark[] {
  const found: Mark[] = [];
  const add = (kind: string, index: number, mark: string, rank: number, isRanked = false): void => {
    const pattern = `${name.slice(0, index)}*${name.slice(index + mark.length)}`;
    found.push({ key: `${kind} ${pattern}`, pattern, mark, rank, isRanked });
  };
  for (const { 0: digits, index } of name.matchAll(/\d+/g)) add('number', index, digits, Number(digits));
  for (const { 0: letter, index } of name.matchAll(/(?<![a-z])[a-h](?![a-z])/gi))
    add(letter === letter.toUpperCase() ? 'capital' : 'letter', index, letter, letter.toLowerCase().charCodeAt(0));
  for (const [first, second, isRanked] of pairs) {
    for (const [rank, word] of [first, second].entries()) {
      const { index } = new RegExp(`(?<![a-z])${word}(?![a-z])`, 'i').exec(name) ?? {};
      if (index !== undefined) add(`${first}/${second}`, index, name.slice(index, index + word.length), rank, isRanked);
    }
  }
  return found;
}

/** Groups of two and more, in the order of the columns. */
export function siblingColumns(names: readonly string[]): Siblings[] {
  const groups = new Map<string, (Mark & { readonly name: string })[]>();
  for (const name of names) {
    for (const mark of marksIn(name)) groups.set(mark.key, [...(groups.get(mark.key) ?? []), { ...mark, name }]);
  }
  return [...groups.values()]
    .filter((members) => members.length > 1)
    .map((members) => {
      const sorted = [...members].sort((a, b) => a.rank - b.rank);
      return {
        pattern: sorted[0]?.pattern ?? '',
        names: sorted.map(({ name }) => name),
        marks: sorted.map(({ mark }) => mark.toLowerCase()),
        isRanked: sorted.every(({ isRanked }) => isRanked),
      };
    });
}
