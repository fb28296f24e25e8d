/**
 * Rows of recipes/nlvr-candidates.yaml, from those of NLVR, which pair one picture with one sentence that is true or false
 * of it. A picture stands in one row alone, so candidates are made of what is known:
 *   pairs    the sentence and its denial ("it is false that ..."), of which one is true of the picture;
 *   choices  four pictures, each with the sentence of its own row, of which one is true.
 * Sentences are in lower case and without punctuation, as the word-level tokenizer of the demo reads them.
 */
import { required } from '../core/assert.ts';
import { Rng } from '../core/rng.ts';

/** A row as published; `images` names one picture. */
export interface NlvrRow {
  readonly identifier: string;
  readonly sentence: string;
  readonly label: 'true' | 'false';
  readonly images: readonly string[];
}

export interface PairRow {
  readonly id: string;
  readonly image: string;
  readonly right: string;
  readonly wrong: string;
  /** The published sentence: rows that share it are one group. */
  readonly sentence: string;
}

export interface ChoiceRow {
  readonly id: string;
  /** The first is the one whose sentence is true of its picture. */
  readonly candidates: readonly { readonly image: string; readonly text: string }[];
  readonly sentence: string;
}

export const denialWords = ['it', 'is', 'false', 'that'];
const wrongCount = 3;

export function wordsOf(sentence: string): string[] {
  return sentence.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

export const plainSentence = (sentence: string): string => wordsOf(sentence).join(' ');

export function pairsOf(rows: readonly NlvrRow[]): PairRow[] {
  return rows.map(({ identifier, sentence, label, images }) => {
    const said = plainSentence(sentence);
    const denied = [...denialWords, said].join(' ');
    const [right, wrong] = label === 'true' ? [said, denied] : [denied, said];
    return { id: identifier, image: required(images[0], 'a picture'), right, wrong, sentence: said };
  });
}

/** One choice for each true row; false rows are taken in an order drawn by seed, each about equally often. */
export function choicesOf(rows: readonly NlvrRow[], seed: number): ChoiceRow[] {
  const rng = new Rng('nlvr-choices', seed);
  const ofLabel = (label: NlvrRow['label']): NlvrRow[] => rng.shuffle(rows.filter((row) => row.label === label));
  const [right, wrong] = [ofLabel('true'), ofLabel('false')];
  if (wrong.length < wrongCount) return [];
  const candidateOf = ({ sentence, images }: NlvrRow) => ({
    image: required(images[0], 'a picture'),
    text: plainSentence(sentence),
  });
  return right.map((row, i) => {
    const others = Array.from({ length: wrongCount }, (_, k) =>
      required(wrong[(i * wrongCount + k) % wrong.length], 'a false row'),
    );
    return { id: row.identifier, candidates: [row, ...others].map(candidateOf), sentence: plainSentence(row.sentence) };
  });
}

/** Words that at least two of the sentences use, in the order of the alphabet. */
export function vocabularyOf(rows: readonly Pick<NlvrRow, 'sentence'>[]): string[] {
  const counts = new Map<string, number>();
  for (const word of rows.flatMap(({ sentence }) => [...new Set(wordsOf(sentence))]))
    counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].flatMap(([word, count]) => (count >= 2 ? [word] : [])).sort();
}
