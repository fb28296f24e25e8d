/** All words of the judge world's prompts and completions: the vocabulary of the demo's tokenizer. */
import { colors, defects, shapes, signs } from './scene.ts';

const promptText =
  'image first second does it look natural is the picture sharp scene possible fit caption good for safe ' +
  'which fits safer describe : ? think directly';
const rationaleText = 'same other match mismatch stands floats 0 1 2 3 4';
const verdictText = 'yes no first second';

/** Distinct words in a fixed order, without tags and image tokens (judge/tasks/completion.ts has the tags). */
export const worldWords: readonly string[] = [
  ...new Set([
    ...verdictText.split(' '),
    ...rationaleText.split(' '),
    ...colors,
    ...shapes,
    ...defects,
    ...signs,
    ...promptText.split(' '),
  ]),
];
