/**
 * An algorithm or a loss is added with one file and one line of a table. The files of docs/adding.md are added to a
 * copy of the sources, whose recipe, update and graph code is used unchanged.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import type { PromptedDataset } from '../../pipeline/asking/prompts/prompter.ts';
import type { JsonCache } from '../../pipeline/json-cache.ts';
import type { ReadyStep } from '../../pipeline/training/apply-update.ts';
import type * as Updates from '../../pipeline/training/updates/table.ts';
import type * as GraphTerms from '../../policy/losses/graph-terms.ts';
import type * as Embedded from '../../policy/engines/embedded/embedded-engine.ts';
import type { Loss } from '../../policy/engine.ts';
import type * as Loading from '../../recipes/load.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { expectNone } from '../support/expect-none.ts';
import { cases, folderOf, promptsOf } from '../support/idefics3-fixture.ts';
import { projectRoot } from '../../core/project.ts';
import { textOf } from '../support/source-files.ts';
import { refTo } from '../workflows/made-up-activities.ts';

const rooms = ['artifacts', 'contract', 'core', 'judge', 'pipeline', 'policy', 'recipes'];
/** Inside the project, so that packages resolve. */
let copy = '';

function blockOf(path: string): string {
  const block = new RegExp(`^\`\`\`ts\\n// ${path}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(textOf('docs/adding.md'));
  return required(block?.[1], `the block of ${path}`);
}

/** Writes the file and adds its import and its line to the table. */
function add(path: string, name: string, table: string, before: string): void {
  writeFileSync(join(copy, path), blockOf(path));
  const place = join(copy, table);
  const [head = '', tail = ''] = readFileSync(place, 'utf8').split(before);
  const entry = required(/^ {2}\w.*,$/m.exec(tail)?.[0], `an entry of ${table}`);
  const file = required(path.split('/').at(-1), 'a file');
  const own = `import { ${name} } from './${file}';\n`;
  writeFileSync(place, `${own}${head}${before}${tail.replace(entry, `${entry}\n  ${name},`)}`);
}

function copied<M>(path: string): Promise<M> {
  return import(pathToFileURL(join(copy, path)).href) as Promise<M>;
}

beforeAll(() => {
  mkdirSync(join(projectRoot, '.mtrl'), { recursive: true });
  copy = mkdtempSync(join(projectRoot, '.mtrl', 'adding-units-'));
  const isSource = (path: string): boolean => statSync(path).isDirectory() || /\.(ts|mjs|wasm)$/.test(path);
  for (const room of rooms) cpSync(join(projectRoot, room), join(copy, room), { recursive: true, filter: isSource });
  add('policy/algorithms/opo.ts', 'opo', 'policy/algorithms/table.ts', 'export const algorithms = {');
  add('policy/losses/focal.ts', 'focal', 'policy/losses/table.ts', 'const losses = {');
});
afterAll(() => {
  rmSync(copy, { recursive: true, force: true });
});

test('compiles without further edits', () => {
  const { config } = ts.readConfigFile(join(projectRoot, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, projectRoot);
  const roots = [
    'recipes/objectives/rl.ts',
    'pipeline/training/updates/rl.ts',
    'policy/losses/table.ts',
    'policy/losses/graph-terms.ts',
    'policy/algorithms/table.ts',
  ].map((path) => join(copy, path));
  const program = ts.createProgram(roots, options);
  const problems = roots.flatMap((path) => ts.getPreEmitDiagnostics(program, program.getSourceFile(path)));
  expectNone(problems.map(({ file, messageText }) => `${file?.fileName ?? ''}: ${JSON.stringify(messageText)}`));
});

describe('an algorithm', () => {
  const recipeWith = (change: object): object => {
    const recipe = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
    return { ...recipe, arms: { ...recipe.arms, 'mt-rl': { ...recipe.arms['mt-rl'], ...change } } };
  };
  /** Two prompts of the fixture with four rollouts each; the rewards of the second prompt are equal. */
  const prompts = promptsOf(required(cases.cases['batch-left-padded'], 'case')).slice(0, 2);
  const rewards = [
    [1, 0, 0, 1],
    [1, 1, 1, 1],
  ];
  const rollout = { tokenIds: [5, 6], logProbs: [-1, -1], finishReason: 'stop', text: '' };
  const longer = { ...rollout, tokenIds: [5, 6, 5, 6], logProbs: [-1, -1, -1, -1] };
  const stored = {
    shard: {
      prompts: prompts.map((_, exampleIndex) => ({
        ...{ exampleIndex, exampleId: `e${String(exampleIndex)}`, rollouts: [longer, rollout, rollout, rollout] },
      })),
    },
    rewards: { prompts: rewards.map((of) => ({ rollouts: of.map((value) => ({ reward: { value } })) })) },
  };
  const named = (name: keyof typeof stored): ArtifactRef => ({ ...refTo(name), uri: name });
  const cache = {
    getDocument: (asked: ArtifactRef) => Promise.resolve(stored[asked.uri as keyof typeof stored]),
  } as unknown as JsonCache;
  const prompted = {
    dataset: {
      examplesAt: (rows: readonly number[]) => Promise.resolve(rows.map((id) => ({ id, task: 'safety', images: [] }))),
    },
    encode: ({ id }: { id: number }) => Promise.resolve(prompts[id]),
    tokens: { stopTokenId: cases.eosTokenId, padTokenId: cases.padTokenId, bannedTokenIds: [] },
  } as unknown as PromptedDataset;

  async function stepOf(change: object): Promise<{ update: object; step: ReadyStep }> {
    const { parseRecipe } = await copied<typeof Loading>('recipes/load.ts');
    const { planUpdate, readySteps } = await copied<typeof Updates>('pipeline/training/updates/table.ts');
    const run = { recipe: refTo('recipe'), dataset: refTo('dataset'), arm: 'mt-rl', seed: 0, plan: refTo('plan') };
    const input = { ...run, fromStep: 0, toStep: 1, rollouts: [named('shard')], rewards: named('rewards') };
    const policy = { snapshot: refTo('base'), log: [] };
    const recipe = parseRecipe(recipeWith(change));
    const update = await planUpdate(recipe, { ...input, policy }, () => Promise.resolve(Uint32Array.of()));
    const [step] = [...((await readySteps(cache, prompted, update)).steps as Iterable<ReadyStep>)];
    return { update, step: required(step, 'a step') };
  }

  test('is selected by name in a recipe, with fields of its own; an unknown name is refused with the known ones', async () => {
    const { update } = await stepOf({ algorithm: 'opo', clipHigh: 0.3 });
    expect(update).toMatchObject({ algorithm: 'opo', clipLow: 0.2, clipHigh: 0.3, klCoefficient: 0 });
    await expect(stepOf({ algorithm: 'oop' })).rejects.toThrow(
      /arms\.mt-rl\.algorithm: found "oop"; allowed: grpo, opo, dr-grpo, dapo/,
    );
    await expect(stepOf({ algorithm: 'opo', clipHighest: 1 })).rejects.toThrow(
      /arms\.mt-rl\.clipHighest: .*allowed: clipHigh/,
    );
    await expect(stepOf({ algorithm: 'opo', weights: 'fixed-length' })).rejects.toThrow(
      /arms\.mt-rl\.weights: found "fixed-length"; allowed: token-mean/,
    );
  });

  test('forms the groups of an update: advantages of its own match a manual computation, and a recipe may name another', async () => {
    const { step } = await stepOf({ algorithm: 'opo' });
    const [group, ...others] = step.groups;
    // Rewards 1, 0, 0, 1 of rollouts with 4, 2, 2 and 2 tokens: the baseline is .6.
    const expected = [0.4, -0.6, -0.6, 0.4];
    group?.completions.forEach(({ advantage }, i) => {
      expect(advantage).toBeCloseTo(required(expected[i], 'a value'), 12);
    });
    expect([others, step.droppedGroupCount]).toEqual([[], 1]);
    const { step: overridden } = await stepOf({ algorithm: 'opo', advantage: 'leave-one-out' });
    expect(overridden.groups[0]?.completions[0]?.advantage).toBeCloseTo(2 / 3, 12);
    const { step: usual } = await stepOf({});
    expect(usual.groups[0]?.completions[0]?.advantage).toBeCloseTo(0.8659, 4);
  });

  test('trains: the engine’s loss matches the formula, as does that of an added loss', async () => {
    const { step } = await stepOf({ algorithm: 'opo' });
    const { EmbeddedEngine } = await copied<typeof Embedded>('policy/engines/embedded/embedded-engine.ts');
    const engine = new EmbeddedEngine({ threadCount: 1 });
    try {
      await engine.loadCheckpoint(folderOf('tied'));
      const { groups, temperature, loss } = step;
      const request = { groups, temperature, tokens: prompted.tokens };
      const trained = await engine.forwardBackward({ ...request, loss });
      const tokens = groups.flatMap(({ completions }, g) =>
        completions.flatMap(({ advantage = 0, tokenWeight, logProbs = [] }, c) =>
          logProbs.map((old, t) => {
            const logProb = required(trained.logProbs[g]?.[c]?.[t], 'a log-prob');
            return { logProb, advantage, tokenWeight: Number(tokenWeight), ratio: Math.exp(logProb - old) };
          }),
        ),
      );
      const clipped = tokens.map(({ ratio, advantage, tokenWeight }) => {
        const inside = Math.min(Math.max(ratio, 0.8), 1.2);
        return -tokenWeight * Math.min(ratio * advantage, inside * advantage);
      });
      expect(trained.loss).toBeCloseTo(sum(clipped), 5);

      const focal = { name: 'focal', scale: 2 } as unknown as Loss;
      const focused = await engine.forwardBackward({ ...request, loss: focal });
      const byHand = tokens.map(
        ({ logProb, tokenWeight }) => -tokenWeight * 2 * (1 - Math.exp(logProb)) ** 2 * logProb,
      );
      expect(focused.loss).toBeCloseTo(sum(byHand), 4);
    } finally {
      await engine.close();
    }
  });
});

test('reports an unknown loss as an error instead of using another one', async () => {
  const { lossInputs } = await copied<typeof GraphTerms>('policy/losses/graph-terms.ts');
  const make = { perToken: () => 0, scalar: () => 0, membership: () => 0 };
  const unknown = { name: 'hinge' } as unknown as Loss;
  expect(() => lossInputs(unknown, make)).toThrow(/no loss is called hinge/);
});

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
