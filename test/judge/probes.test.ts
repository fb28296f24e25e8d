import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { blankImageLike } from '../../judge/evaluation/blank-image.ts';
import { askProbe, isRefusal, type Asked, type ProbeRequest } from '../../judge/evaluation/probes.ts';
import type { Example } from '../../judge/example.ts';
import { evaluationSchema, type ProbeName } from '../../recipes/fields/evaluation-fields.ts';
import { taskSchema } from '../../recipes/fields/task-fields.ts';

const spec = taskSchema.parse({
  kind: 'pointwise',
  labels: ['good', 'very good', 'bad'],
  prompt: '<image> {{ caption }}: good, very good or bad? {{ mode_word }}',
});

function example(name: string, changes: Partial<Example> = {}): Example {
  const common = { task: 't', split: 'test', label: 'good', groupKey: name } as const;
  return { ...common, id: name, images: [`image of ${name}`], fields: { caption: `caption of ${name}` }, ...changes };
}

const examples = ['a', 'b', 'c', 'd'].map((name) => example(name));

function request(changes: Partial<ProbeRequest> = {}): ProbeRequest {
  return { task: 't', spec, examples, pool: examples, settings: evaluationSchema.parse({}), ...changes };
}

function asked(name: ProbeName, changes: Partial<ProbeRequest> = {}): readonly Asked[] {
  const found = askProbe(name, request(changes));
  if (isRefusal(found)) throw new Error(found.refused);
  return found;
}

function refusal(name: ProbeName, changes: Partial<ProbeRequest> = {}): string {
  const found = askProbe(name, request(changes));
  return isRefusal(found) ? found.refused : 'asked';
}

describe('a probe changes one thing only', () => {
  test('blank and missing images keep the text', () => {
    expect(asked('blank-image').every(({ isBlank }) => isBlank)).toBe(true);
    for (const { example: shown, spec: shownSpec } of asked('missing-image')) {
      expect(shown.images).toEqual([]);
      expect(shownSpec.prompt).toBe('  {{ caption }}: good, very good or bad? {{ mode_word }}');
    }
  });

  test('missing images are missing in candidates and in the context too, whose texts stay', () => {
    const parts = [[{ text: 'one' }, { image: 1 }], [{ image: 0 }]];
    const shown = example('a', { images: ['x', 'y', 'z'], candidates: parts, context: { told: [{ image: 2 }] } });
    const [probe] = asked('missing-image', { examples: [shown] });
    expect(probe?.example).toMatchObject({ images: [], candidates: [[{ text: 'one' }], []], context: { told: [] } });
  });

  test('a swapped image comes from another example, as does the text of a mismatched caption', () => {
    asked('swapped-image').forEach(({ example: shown }, i) => {
      expect(shown.images).not.toEqual(examples[i]?.images);
      expect(examples.map(({ images }) => images)).toContainEqual(shown.images);
      expect(shown.fields).toEqual(examples[i]?.fields);
    });
    asked('caption-mismatch').forEach(({ example: shown }, i) => {
      expect(shown.fields).not.toEqual(examples[i]?.fields);
      expect(shown.images).toEqual(examples[i]?.images);
    });
    expect(asked('swapped-image')).toEqual(asked('swapped-image'));
  });

  test('an example that shares its image with the next one gets a different image', () => {
    const shared = [example('a'), example('b', { images: ['image of a'] }), example('c')];
    asked('swapped-image', { examples: shared, pool: shared }).forEach(({ example: shown }, i) => {
      expect(shown.images).not.toEqual(shared[i]?.images);
    });
  });

  test('labels are listed in another order, as whole words only', () => {
    const [first] = asked('label-order-swap');
    expect(first?.spec.prompt).toBe('<image> {{ caption }}: bad, very good or good? {{ mode_word }}');
  });

  test('paraphrases alternate, and a longer answer changes only its field', () => {
    const paraphrases = { t: ['one <image> {{ caption }}', 'two <image> {{ caption }}'] };
    const settings = evaluationSchema.parse({
      paraphrases,
      longerAnswer: { t: { field: 'caption', filler: 'and so on' } },
    });
    expect(asked('paraphrase', { settings }).map((each) => each.spec.prompt.slice(0, 3))).toEqual([
      'one',
      'two',
      'one',
      'two',
    ]);
    expect(asked('longer-answer', { settings })[0]?.example.fields).toEqual({ caption: 'caption of a and so on' });
  });
});

describe('refuses a probe with nothing to change', () => {
  const textOnly = examples.map((each) => ({ ...each, images: [] }));
  const alike = examples.map((each) => ({ ...each, images: ['same'], fields: {} }));
  const pairwise = taskSchema.parse({ ...spec, kind: 'pairwise', labels: ['first', 'second'] });
  test.each([
    ['blank-image', { examples: textOnly }, 'no image'],
    ['missing-image', { examples: textOnly }, 'no image'],
    ['swapped-image', { examples: alike, pool: alike }, 'another image'],
    ['caption-mismatch', { examples: alike, pool: alike }, 'no text'],
    ['label-order-swap', { spec: { ...spec, prompt: '<image> how good?' } }, 'two labels'],
    ['label-order-swap', { spec: pairwise }, 'both orders'],
    ['paraphrase', {}, 'paraphrases.t'],
    ['longer-answer', {}, 'longerAnswer.t'],
  ] as const)('%s', (name, changes, reason) => {
    expect(refusal(name, changes)).toContain(reason);
  });
});

test('a blank image is all grey, with the size of the original', async () => {
  const create = { width: 31, height: 17, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0.5 } } as const;
  const { data, info } = await sharp(await blankImageLike(await sharp({ create }).png().toBuffer()))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([31, 17]);
  expect(new Set(data)).toEqual(new Set([128]));
  const onItsSide = await sharp({ create }).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  expect(await sharp(await blankImageLike(onItsSide)).metadata()).toMatchObject({ width: 17, height: 31 });
});
