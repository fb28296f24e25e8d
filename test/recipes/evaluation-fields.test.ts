import { expect, test } from 'vitest';
import { MtrlError } from '../../core/errors.ts';
import { loadRecipeFile, parseRecipe } from '../../recipes/load.ts';

const demo = 'recipes/demo.yaml';

test('an evaluation without optional fields has the defaults', () => {
  const { evaluation } = loadRecipeFile(demo, ['evaluation={}']).parsed;
  expect(evaluation).toMatchObject({ modes: ['strict'], probes: [], sampleCount: 1, bootstrapResampleCount: 2000 });
  const written = loadRecipeFile(demo, []).recipe as Record<string, unknown>;
  delete written['evaluation'];
  expect(parseRecipe(written).evaluation).toEqual(evaluation);
});

test.each([
  ['evaluation.probes=[blank-imag]', 'evaluation.probes', 'blank-image'],
  ['evaluation.paraphrases={safty: ["<image> {{ mode_word }}"]}', 'evaluation.paraphrases.safty', 'safety'],
  ['evaluation.rationaleCues={safety: {perhaps: [smoke]}}', 'evaluation.rationaleCues.safety.perhaps', 'yes'],
  ['evaluation.probes=[paraphrase]', 'evaluation.paraphrases', 'at least one task'],
])('refuses %s with its path', (set, place, allowed) => {
  const refused = (): unknown => loadRecipeFile(demo, [set]);
  expect(refused).toThrow(MtrlError);
  expect(refused).toThrow(place);
  expect(refused).toThrow(allowed);
});
