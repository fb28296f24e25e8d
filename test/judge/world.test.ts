import { describe, expect, test } from 'vitest';
import type { JudgeWorldSpec } from '../../recipes/recipe.ts';
import { generateWorldExamples } from '../../judge/worlds/generate.ts';
import { required } from '../../core/assert.ts';
import { sha256 } from '../../core/json.ts';
import { Rng } from '../../core/rng.ts';
import { sketchExample } from '../../judge/worlds/tasks.ts';
import { declaredTask, isFormatWorldTask, worldTaskNames } from '../../judge/worlds/world-tasks.ts';
import { worldWords } from '../../judge/worlds/vocabulary.ts';
import { readVerdict } from '../../judge/tasks/read-verdict.ts';
import { targetText } from '../../judge/tasks/completion.ts';
import { annotate, truth } from '../../judge/worlds/annotator.ts';
import type { Scene } from '../../judge/worlds/scene.ts';
import { renderScene } from '../../judge/worlds/render.ts';
import { recipeOf, worldTasks } from './recipes.ts';

const honest = { hardErrorRate: 0, easyErrorRate: 0, flipRate: 0 };
const noisy = { hardErrorRate: 0.85, easyErrorRate: 0.03, flipRate: 0.05 };

function spec(parts: Partial<JudgeWorldSpec> = {}): JudgeWorldSpec {
  return {
    reader: 'judge-world',
    tasks: [...worldTaskNames],
    split: 'train',
    exampleCount: 40,
    seed: 7,
    annotator: honest,
    ...parts,
  };
}

const declared = recipeOf({ tasks: worldTasks, datasets: [spec()] }).tasks;
const ruleOf = (task: string) => required(declared[task], task);

const exampleBytes = (parts?: Partial<JudgeWorldSpec>): string[] =>
  [...generateWorldExamples(spec(parts))].map(({ example, pixels }) =>
    JSON.stringify([example, pixels.map((picture) => Buffer.from(picture).toString('base64'))]),
  );

describe('the judge world', () => {
  test('example i has the same bytes for any number of examples and any other tasks', () => {
    const few = exampleBytes({ tasks: ['alignment'], exampleCount: 5 });
    expect(exampleBytes({ tasks: ['safety', 'alignment'], exampleCount: 30 }).slice(30, 35)).toEqual(few);
  });

  test('splits, seeds and tasks never share a picture', () => {
    const pictures = [spec(), spec({ split: 'test' }), spec({ seed: 8 })].flatMap((each) =>
      [...generateWorldExamples(each)].flatMap(({ pixels }) =>
        pixels.map((one) => Buffer.from(one).toString('base64')),
      ),
    );
    expect(new Set(pictures).size).toBe(pictures.length);
  });

  test.each(worldTaskNames.filter((task) => task !== 'describe' && !isFormatWorldTask(task)))(
    '%s has each label for half of its examples',
    (task) => {
      const labels = [...generateWorldExamples(spec({ tasks: [task], exampleCount: 60 }))].map(
        ({ example }) => example.label,
      );
      const [first] = declaredTask(task).labels;
      expect(labels.filter((label) => label === first)).toHaveLength(30);
      // Labels do not alternate: a judge could learn the alternation.
      expect(new Set(labels.filter((_, i) => i % 2 === 0)).size).toBe(2);
    },
  );

  test('every word of prompts and completions is in the vocabulary, once', () => {
    const known = new Set([...worldWords, '<image>']);
    expect(new Set(worldWords).size).toBe(worldWords.length);
    for (const { example } of generateWorldExamples(spec({ annotator: noisy, exampleCount: 60 }))) {
      const prompt = worldTasks[example.task]?.prompt.replace('{{ mode_word }}', 'think directly') ?? '';
      const shown = prompt.replace('{{ caption }}', example.fields['caption'] ?? '');
      // Rankings and criteria are read without punctuation, too.
      const label = example.label.replaceAll(/[>,:]/g, ' ');
      const words = `${shown} ${label} ${example.rationale}`.split(/ +/);
      expect(words.filter((word) => !known.has(word))).toEqual([]);
    }
  });

  test('the target of every example parses to its own label', () => {
    for (const { example } of generateWorldExamples(spec({ annotator: noisy }))) {
      const rule = ruleOf(example.task);
      for (const mode of ['think', 'direct'] as const) {
        const judgment = readVerdict({ text: targetText(example, mode), finishReason: 'stop' }, rule, mode);
        expect(judgment).toMatchObject({ ok: true, verdict: example.label });
      }
    }
  });

  test('an honest rationale determines its verdict: match, clean, stands and no flame mean yes', () => {
    for (const { example } of generateWorldExamples(
      spec({ tasks: ['alignment', 'technical', 'rationality', 'safety'] }),
    )) {
      const isYes = {
        alignment: / match$/,
        technical: /^clean$/,
        rationality: /^stands stands$/,
        safety: /^(none|flower)$/,
      };
      const pattern = isYes[example.task as keyof typeof isYes];
      expect(pattern.test(example.rationale)).toBe(example.label === 'yes');
    }
  });

  test('the label of a pair follows the picture, not the position: its rationale names the better one', () => {
    for (const { example } of generateWorldExamples(spec({ tasks: ['pair-alignment', 'pair-safety'] }))) {
      const [, first = '', second = ''] = /^first (.*) second (.*)$/.exec(example.rationale) ?? [];
      const isBetter = (trace: string): boolean => / match$|^(none|flower)$/.test(trace);
      expect([isBetter(first), isBetter(second)]).toEqual([example.label === 'first', example.label === 'second']);
    }
  });

  test('the annotator changes the label, never the picture', () => {
    const seen = (annotator: JudgeWorldSpec['annotator']) => [
      ...generateWorldExamples(spec({ annotator, exampleCount: 100 })),
    ];
    const [right, wrong] = [seen(honest), seen(noisy)];
    const pictures = (examples: typeof right): string[] => examples.map(({ pixels }) => pixels.map(sha256).join());
    expect(pictures(wrong)).toEqual(pictures(right));
    const differing = wrong.filter(({ example }, i) => example.label !== right[i]?.example.label).length / wrong.length;
    expect(differing).toBeGreaterThan(0.1);
    expect(differing).toBeLessThan(0.4);
  });

  test('an annotator errs on hard values at the hard rate and on easy ones at the easy rate', () => {
    const scene: Scene = {
      objects: [
        { color: 'orange', shape: 'circle', stance: 'floats-low' },
        { color: 'green', shape: 'square', stance: 'stands' },
      ],
      defect: 'noise',
      isMild: true,
      sign: 'flame',
      isSmall: true,
    };
    const rng = new Rng('test');
    const views = Array.from({ length: 2000 }, () => annotate(scene, rng, { hardErrorRate: 0.6, easyErrorRate: 0.06 }));
    const rate = (holds: (view: (typeof views)[number]) => boolean): number =>
      views.filter(holds).length / views.length;
    expect(rate((view) => view.colors[0] === 'red')).toBeCloseTo(0.6, 1);
    expect(rate((view) => !view.floats[0])).toBeCloseTo(0.6, 1);
    expect(rate((view) => view.defect === 'clean')).toBeCloseTo(0.6, 1);
    expect(rate((view) => view.sign === 'flower')).toBeCloseTo(0.6, 1);
    expect(rate((view) => view.colors[1] !== 'green')).toBeCloseTo(0.05, 1);
    expect(annotate(scene, rng, { hardErrorRate: 0, easyErrorRate: 0 })).toEqual(truth(scene));
  });

  test('each hidden cause changes the picture', () => {
    const scene = sketchExample({ seed: 1, task: 'technical', split: 'test', index: 0 }, new Rng('a'), honest)
      .scenes[0] as Scene;
    const clean: Scene = { ...scene, defect: 'clean', isMild: true, sign: 'none', isSmall: true };
    const variants: Scene[] = [
      clean,
      ...(['noise', 'blur', 'blocks'] as const).flatMap((defect) => [
        { ...clean, defect },
        { ...clean, defect, isMild: false },
      ]),
      ...(['flower', 'flame'] as const).flatMap((sign) => [
        { ...clean, sign },
        { ...clean, sign, isSmall: false },
      ]),
    ];
    const pictures = variants.map((variant) => Buffer.from(renderScene(variant, new Rng('paint'))).toString('base64'));
    expect(new Set(pictures).size).toBe(variants.length);
  });

  test('each image mark of a prompt has a picture of 32x32x3 bytes', () => {
    for (const { example, pixels } of generateWorldExamples(spec({ exampleCount: 3 }))) {
      const count = worldTasks[example.task]?.prompt.split('<image>').length ?? 0;
      expect(pixels.map(({ byteLength }) => byteLength)).toEqual(Array.from({ length: count - 1 }, () => 3072));
    }
  });

  test('an unknown task is refused by name', () => {
    expect(() => [...generateWorldExamples(spec({ tasks: ['beauty'] }))]).toThrow(/beauty/);
  });
});
