/** Recipe files: values that the schema does not have, and YAML with anchors, aliases, tags and merges in odd places. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { Json } from '../../../core/json.ts';
import { loadRecipeFile } from '../../../recipes/load.ts';
import { fuzzTarget, type OpenFuzzTarget } from '../fuzz-target.ts';
import { nearBytes } from '../near-bytes.ts';
import { nearJson } from '../near-json.ts';

const names = ['demo.yaml', 'nightly.yaml', 'cue-conflict.yaml', 'pretrain-demo.yaml'];
const words = [
  ...[
    '&a ',
    '*a',
    '<<: *a',
    '<<: ',
    '!!js/function ',
    '!!binary ',
    '!!set ',
    '? ',
    '- ',
    ': ',
    '|\n',
    '>-\n',
    '%YAML 1.1\n',
  ],
  ...['---\n', '...\n', '{', '}', '[', ']', '"', "'", '\t', '\0', '.inf', '.nan', '0x', '~', '${', '\uFEFF'],
];

export const openRecipes: OpenFuzzTarget = (folder) => {
  const path = join(folder, 'recipe.yaml');
  const texts = names.map((name) => readFileSync(join('recipes', name), 'utf8'));
  const near = fc.constantFrom(...texts).chain((text) => nearBytes(Buffer.from(text), words));
  const values = fc
    .constantFrom(...texts.map((text) => parse(text, { merge: true }) as Json))
    .chain(nearJson)
    .map((value) => Buffer.from(JSON.stringify(value)));
  return Promise.resolve(
    fuzzTarget(
      fc.oneof(near, values),
      (bytes) => {
        writeFileSync(path, bytes);
        return Promise.resolve().then(() => {
          loadRecipeFile(path, []);
          return 'accepted';
        });
      },
      { near: (bytes) => nearBytes(bytes, words) },
    ),
  );
};
