/** Every word that the judge world's prompts and completions use: what the demo's tokenizer is made from. */
import { colors, defects, shapes, signs } from './scene.ts';

const promptText =
  'image first second does it look natural is the picture sharp scene possible fit caption good for safe ' +
  'which fits safer describe : ? think directly';
const rationaleText = 'same other match mismatch stands floats 0 1 2 3 4';
const verdictText = 'yes no first second';

/** Plain words, each once, in a fixed order; tags and image tokens are not words (judge/tasks/completion.ts has the tags). */
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
