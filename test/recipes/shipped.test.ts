import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileTemplate } from '../../judge/tasks/template.ts';
import { renderPrompt } from '../../judge/tasks/prompt.ts';
import type { CandidatePart, Example } from '../../judge/example.ts';
import type { PartSpec } from '../../recipes/fields/candidate-fields.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import type { RowsSpec } from '../../recipes/recipe.ts';
import { needSharedData } from '../support/needs.ts';

const shipped = ['demo', 'demo-quick', 'pretrain-demo', 'cue-conflict'] as const;
const load = (name: string) => loadRecipeFile(`recipes/${name}.yaml`, []);
const { model } = JSON.parse(readFileSync('recipes/demo-config/tokenizer.json', 'utf8')) as {
  model: { vocab: Record<string, number> };
};

test.each([
  ...shipped,
  'paper',
  'every-file',
  'judge-benchmarks',
  'judge-benchmarks-blind',
  'nlvr-candidates',
] as const)('%s is a valid recipe', (name) => {
  expect(load(name).parsed.name).toBe(name);
});

test('paper trains its six tasks and none of the unseen format, in fifteen arms', () => {
  const { tasks, arms, datasets } = load('paper').parsed;
  const unseen = Object.keys(tasks).filter((task) => tasks[task]?.ood);
  expect(Object.keys(tasks)).toEqual([
    ...['naturalness', 'technical', 'rationality', 'alignment', 'preference', 'safety'],
    ...['mjbench-alignment', 'mjbench-safety'],
  ]);
  expect(unseen).toEqual(['mjbench-alignment', 'mjbench-safety']);
  expect(Object.keys(arms)).toHaveLength(15);
  const ofPreference = Object.values(arms).filter((arm) => arm.tasks?.includes('preference') === true);
  expect(ofPreference.map(({ mixture }) => mixture.exampleCountMax)).toEqual(
    Array.from({ length: 4 }, () => ({ preference: 6194 })),
  );
  for (const dataset of datasets) {
    if (dataset.reader === 'judge-world' || !unseen.includes(dataset.task)) continue;
    expect(dataset).toMatchObject({ split: 'test', randomOrderSeed: 0 });
  }
});

const adapters = readdirSync('recipes/adapters');

/** What an adapter shows of a row: the pictures of its fields, then a picture or a text for each part. */
function shownBy({ images, context = {}, candidates }: RowsSpec['fields']) {
  const files = [...images];
  const picture = (name: string) => ({ image: files.push(name) - 1 });
  const partsOf = (specs: readonly PartSpec[]): CandidatePart[] =>
    specs.flatMap((part): CandidatePart[] => {
      if ('text' in part) return [{ text: part.text }];
      if ('parts' in part) return [{ text: part.parts }, picture(part.parts)];
      return [picture('image' in part ? part.image : part.frames)];
    });
  const pieces = Object.entries(context).map(([name, parts]) => [name, partsOf(parts)] as const);
  const compared = Array.isArray(candidates)
    ? candidates.map((one) => (typeof one === 'string' ? [{ text: one }] : partsOf(one)))
    : candidates && ['A', 'B'].map((text) => [{ text }]);
  return { images: files, context: Object.fromEntries(pieces), ...(compared && { candidates: compared }) };
}

test.each(adapters)('the adapter %s is a fragment that a recipe can include', (adapter) => {
  const folder = mkdtempSync(join(tmpdir(), 'mtrl-adapter-'));
  const file = join(folder, 'recipe.yaml');
  const lines = ['name: one', 'policy: { checkpoint: base }', `include: ['${resolve('recipes/adapters', adapter)}']`];
  writeFileSync(file, [...lines, 'arms: { base: { objective: none, mode: think } }'].join('\n'));
  const { parsed } = loadRecipeFile(file, []);
  rmSync(folder, { recursive: true });
  expect(parsed.datasets.length).toBeGreaterThan(0);
  // Every field that a prompt uses is read by the dataset.
  for (const dataset of parsed.datasets) {
    if (dataset.reader === 'judge-world') continue;
    const { task, fields } = dataset;
    const spec = parsed.tasks[task];
    if (spec === undefined) throw new Error(`${adapter} has no task ${task}`);
    const example: Example = {
      ...{ id: 'x', task, split: 'test', label: spec.labels[0], groupKey: 'x', ...shownBy(fields) },
      fields: Object.fromEntries(fields.prompt.map((name) => [name, name])),
    };
    expect(() => renderPrompt(spec, example, 'think', parsed.modeWords)).not.toThrow();
  }
});

test.each(shipped)('the prompts of %s contain only words of the demo tokenizer', (name) => {
  const { parsed } = load(name);
  for (const [task, spec] of Object.entries(parsed.tasks)) {
    const images = spec.kind === 'pairwise' ? ['a', 'b'] : ['a'];
    const fields = { caption: 'airplane', statement: 'This picture shows an airplane.' };
    const example: Example = { id: 'x', task, split: 'test', images, fields, label: spec.labels[0], groupKey: 'x' };
    const content = renderPrompt(spec, example, 'think', parsed.modeWords).flatMap((message) => message.content);
    const words = content.flatMap((part) => (part.type === 'image' ? [] : part.text.split(/\s+/)));
    expect(words.filter((word) => !Object.hasOwn(model.vocab, word))).toEqual([]);
  }
});

test('demo and demo-quick compare the same arms, tasks and objectives', () => {
  const [demo, quick] = [load('demo').parsed, load('demo-quick').parsed];
  expect(quick.tasks).toEqual(demo.tasks);
  expect(Object.entries(quick.arms).map(([name, { objective, mode }]) => [name, objective, mode])).toEqual(
    Object.entries(demo.arms).map(([name, { objective, mode }]) => [name, objective, mode]),
  );
});

describe('the rationales that cue-conflict derives from file names', () => {
  const { parsed } = load('cue-conflict');
  const [dataset] = parsed.datasets;
  const rationale = dataset?.reader === 'jsonl' ? dataset.rationale : undefined;
  const reason = (image: string, label: string) =>
    compileTemplate(typeof rationale === 'string' ? rationale : '')({ row: { image }, label }).trim();

  test('name the object without its number, then whether it is the one in question', () => {
    expect(reason('cue_conflict/airplane1-bicycle2.jpg', 'yes')).toBe('airplane same');
    expect(reason('cue_conflict/keyboard10-bicycle2.jpg', 'no')).toBe('keyboard other');
  });

  const source = dataset?.reader === 'jsonl' ? dataset.path : '';
  test.skipIf(needSharedData('cue-conflict').isMissing)('contain only words of the demo tokenizer on all rows', () => {
    const rows = readFileSync(join(source), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { image: string });
    const words = new Set(rows.flatMap(({ image }) => reason(image, 'no').split(' ')));
    expect([...words].filter((word) => !Object.hasOwn(model.vocab, word))).toEqual([]);
  });
});
