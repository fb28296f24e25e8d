/** Recipes that cannot work are refused when they are read, with the place and what is allowed. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { timesOf } from '../../cli/temporal/schedule-words.ts';
import { loadRecipeFile } from '../../recipes/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-impossible-'));

/** The recipe with these lines of the task, the dataset and the arm. */
function load({ task = '', labels = "['yes', 'no']", dataset = '', name = 'r', arm = 'stepCount: 3' } = {}) {
  const path = join(folder, 'recipe.yaml');
  writeFileSync(
    path,
    `name: ${name}
policy: { checkpoint: ./model }
tasks:
  t: { kind: pointwise, labels: ${labels}, prompt: 'x {{ mode_word }}'${task} }
datasets:
  - { reader: jsonl, task: t, split: train, path: d.jsonl, fields: { images: [] }${dataset} }
  - { reader: jsonl, task: t, split: test, path: e.jsonl, fields: { images: [] } }
arms:
  a: { objective: rl, mode: think, optimizer: { learningRate: 1e-4 }, ${arm} }
`,
  );
  return loadRecipeFile(path, []).parsed;
}

test('a recipe that can work is not', () => {
  expect(load().arms['a']).toMatchObject({ stepCount: 3 });
  expect(load({ labels: "['Yes, clearly', '3 of 5']" }).tasks['t']?.labels).toEqual(['Yes, clearly', '3 of 5']);
});

describe('labels', () => {
  test.each([
    ["['yes ', 'no']", '', 'tasks.t.labels (line 4): found "yes "; allowed: a label without white space around it'],
    ["['a</answer>', 'no']", '', 'found "a</answer>"; allowed: a label without the tags of answers'],
    ["['1', '1.0']", '', 'found "1" and "1.0"; allowed: labels that differ by more than case'],
    ["['Yes', 'yes']", '', 'allowed: labels that differ by more than case'],
    ["['no', 'no']", '', 'found "no" twice'],
    [`["a\\nb", 'no']`, ', verdictFormat: last-line', 'allowed: a label of one line'],
  ])('%s%s', (labels, task, message) => {
    expect(() => load({ labels, task })).toThrow(message);
  });
});

test.each([
  ["{ '1': 'yes', '1.0': 'no' }", 'datasets.0.labelMap.1.0 (line 6): found "1.0"; allowed: one of them'],
  ["{ 'TRUE': 'yes', 'true': 'no' }", 'a row\'s value "true" is also "TRUE"'],
])('a label map with one value twice: %s', (map, message) => {
  expect(() => load({ dataset: `, labelMap: ${map}` })).toThrow(message);
});

test('a label map keeps all digits of a number', () => {
  const dataset = ', labelMap: { 9007199254740993: yes, 9007199254740992: no }';
  const [first] = load({ dataset }).datasets;
  expect(first).toMatchObject({ labelMap: { '9007199254740993': 'yes', '9007199254740992': 'no' } });
});

test.each([
  [{ arm: 'stepCount: .nan' }, 'arms.a.stepCount (line 9): found "NaN"'],
  [{ arm: 'stepCount: .inf' }, 'found "Infinity"'],
  [{ arm: 'stepCount: 1e12' }, 'found 1000000000000; allowed: a number <= 1000000'],
  [{ arm: 'stepCount: 3, groupSize: 100000' }, 'arms.a.groupSize (line 9): found 100000; allowed: a number <= 4096'],
  [{ arm: 'stepCount: 3, promptCountPerStep: 99999999999999999999' }, 'arms.a.promptCountPerStep'],
  [{ name: 'n'.repeat(101) }, 'lower-case letters, digits and dashes, at most 100'],
])('numbers and names beyond what a run can do: %j', (change, message) => {
  expect(() => load(change)).toThrow(message);
});

test('a cron line of six fields is refused: Temporal would take the last for the year', () => {
  expect(() => timesOf({ cron: '0 0 3 * * *' })).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ found: '6 fields in 0 0 3 * * *' }) as unknown }),
  );
  for (const cron of ['0 3 * * *', 'CRON_TZ=Europe/Rome 0 3 * * 1-5', '@daily'])
    expect(timesOf({ cron }).cronExpressions).toEqual([cron]);
});
