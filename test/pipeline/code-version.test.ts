import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildVersionOf, codeVersionsOf, type KeyedActivity } from '../../pipeline/code/code-version.ts';
import { SourceTree } from '../../pipeline/code/source-tree.ts';
import { engineSettings, versionWith } from '../../policy/engines/embedded/settings.ts';
import { withNamedProvider } from '../../workers/named-provider.ts';
import { expectNone } from '../support/expect-none.ts';
import { projectRoot } from '../../core/project.ts';
import { importsOf, nodesOf, projectFiles, sourceOf, textOf } from '../support/source-files.ts';
import ts from 'typescript';

const rooms = [
  ...['activities', 'artifacts', 'contract', 'core', 'infra', 'judge'],
  ...['pipeline', 'policy', 'recipes', 'workers', 'workflows'],
];
let copy = '';

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'mtrl-code-version-'));
  for (const room of rooms) cpSync(join(projectRoot, room), join(copy, room), { recursive: true });
  symlinkSync(join(projectRoot, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => {
  rmSync(copy, { recursive: true, force: true });
});

/** Activities whose code version differs after the change, which is reverted. */
function changedBy(path: string, change: (path: string) => void): KeyedActivity[] {
  const place = join(copy, path);
  const kept = readFileSync(place);
  const before = codeVersionsOf(copy);
  change(place);
  const after = codeVersionsOf(copy);
  writeFileSync(place, kept);
  return (Object.keys(before) as KeyedActivity[]).filter((activity) => before[activity] !== after[activity]).sort();
}
const touch = (path: string): KeyedActivity[] =>
  changedBy(path, (place) => {
    appendFileSync(place, '\n// changed\n');
  });

const computing = ['answers', 'evaluate', 'importPolicy', 'judgeRows', 'optimize', 'rollout', 'run', 'snapshot'];
const prompting = ['evaluate', 'judgeRows', 'optimize', 'rollout', 'run'];

describe('a key changes only with the code that determines its result', () => {
  it('one activity: the reward rule changes rewards, but not rollouts', () => {
    expect(touch('judge/rewards.ts')).toEqual(['report', 'reward', 'run']);
  });

  it('a metric: changes evaluations, but not sampling or training', () => {
    const asking = ['evaluate', 'evaluateEndpoint', 'pixelBaselines'];
    expect(touch('judge/evaluation/correlation.ts')).toEqual(asking);
    expect(touch('judge/evaluation/metrics.ts')).toEqual(asking);
  });

  it('the client of endpoints: answers that are paid for are asked for again only if responses are read in another way', () => {
    expect(touch('policy/engines/openai/open.ts')).toEqual(['evaluateEndpoint', 'judgeRowsEndpoint']);
    expect(touch('policy/engines/openai/chat-response.ts')).toEqual([
      ...['endpointAnswers', 'evaluateEndpoint', 'judgeRowsEndpoint'],
    ]);
  });

  it('a kind of task: changes everything that orders its examples or reads their labels and verdicts', () => {
    const changed = touch('judge/kinds/pairwise.ts');
    expect(changed).toEqual(expect.arrayContaining(['evaluate', 'ingest', 'reward', 'rollout']));
    expect(changed).not.toContain('snapshot');
  });

  it('the engine: what its process loads changes all computation', () => {
    expect(touch('policy/engines/embedded/process.ts')).toEqual(computing);
    expect(touch('policy/losses/graph-terms.ts')).toEqual(computing);
  });

  it('an algorithm: changes updates, but not sampling or mixing; fields of recipes change nothing', () => {
    expect(touch('policy/algorithms/grpo.ts')).toEqual(['optimize', 'report', 'run']);
    expect(touch('recipes/objectives/rl.ts')).toEqual([]);
  });

  it('a thread that sums gradients, an .mjs file that is only named by a URL', () => {
    expect(touch('policy/runtime/onnx/lane-thread.mjs')).toEqual(computing);
  });

  it('a binary that resizes pictures', () => {
    const changed = changedBy('policy/vision/resample.wasm', (place) => {
      appendFileSync(place, 'changed');
    });
    expect(changed).toEqual(expect.arrayContaining(prompting));
    expect(changed).not.toContain('reward');
    expect(touch('policy/vision/resample.wat')).toEqual([]);
  });

  it('code without an import that the worker passes in', () => {
    expect(touch('pipeline/asking/prompts/prompter.ts')).toEqual(['admit', ...prompting]);
    expect(touch('pipeline/policies/policy-states.ts')).toEqual(computing);
  });

  it('not a comment in the webhook, another activity, or the registration of activities', () => {
    for (const path of [
      'pipeline/promotion/webhook.ts',
      'activities/control.ts',
      'activities/compute.ts',
      'workers/compute.ts',
    ])
      expect(touch(path), path).toEqual([]);
    expect(touch('pipeline/promotion/promotion.ts')).toEqual([]);
    expect(touch('judge/report/render.ts')).toEqual(['report']);
  });

  it('not a file that contains only types', () => {
    expect(touch('contract/activities.ts')).toEqual([]);
    expect(touch('policy/engine.ts')).toEqual([]);
  });

  it('the version of a package that parses or computes, and of its dependencies, but not of others', () => {
    rmSync(join(copy, 'node_modules'));
    const packages = ['zod', 'fzstd', 'onnxruntime-node', 'onnxruntime-common', 'minio', 'pino'];
    for (const name of packages) {
      const place = join(copy, 'node_modules', name, 'package.json');
      cpSync(join(projectRoot, 'node_modules', name, 'package.json'), place, { recursive: true });
    }
    const withVersion = (name: string): KeyedActivity[] =>
      changedBy(`node_modules/${name}/package.json`, (place) => {
        const manifest = JSON.parse(readFileSync(place, 'utf8')) as object;
        writeFileSync(place, JSON.stringify({ ...manifest, version: '0.0.0-other' }));
      });
    expect(withVersion('fzstd')).toEqual(['ingest', 'readDataset']);
    expect(withVersion('onnxruntime-node')).toEqual(computing);
    expect(withVersion('onnxruntime-common')).toEqual(computing);
    expect(withVersion('minio')).toEqual([]);
    expect(withVersion('pino')).toEqual([]);
  });

  it('the build version covers everything that a worker runs, including its workflows', () => {
    const before = buildVersionOf(copy);
    appendFileSync(join(copy, 'workflows/run.ts'), '// changed\n');
    expect(buildVersionOf(copy)).not.toBe(before);
  });
});

describe('the scan of imports', () => {
  it('finds the same imports as the compiler, in every source that an activity can reach', () => {
    const tree = new SourceTree(projectRoot);
    const sources = projectFiles().filter(
      (path) => /\.(ts|mjs)$/.test(path) && rooms.includes(path.split('/')[0] ?? ''),
    );
    const wrong = sources.flatMap((path) => {
      const imports = importsOf(path).filter(({ isType }) => !isType);
      const own = new Set(imports.flatMap(({ target }) => target ?? []));
      const direct = tree.importsOf(path);
      const missing = [...own].filter((target) => !direct.sources.includes(target));
      const packages = imports
        .filter(({ specifier, target }) => target === undefined && !specifier.startsWith('node:'))
        .filter(
          ({ specifier }) => !direct.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`)),
        );
      const named = new Set(urlsIn(path));
      const surplus = direct.sources.filter((target) => !own.has(target) && !named.has(target));
      return [...missing, ...surplus, ...packages.map(({ specifier }) => specifier)].map((each) => `${path}: ${each}`);
    });
    expectNone(wrong);
  });

  /** Paths in `new URL('...', import.meta.url)`, by the compiler's parse. */
  function urlsIn(path: string): string[] {
    return nodesOf(sourceOf(path)).flatMap((node) => {
      if (!ts.isNewExpression(node) || node.expression.getText() !== 'URL') return [];
      const [specifier, base] = node.arguments ?? [];
      if (base?.getText() !== 'import.meta.url' || specifier === undefined || !ts.isStringLiteral(specifier)) return [];
      return [join(path, '..', specifier.text)];
    });
  }

  it('misses no file that is loaded by a computed name', () => {
    const wrong = projectFiles()
      .filter((path) => /^(activities|artifacts|core|judge|pipeline|policy|recipes)\/.*\.(ts|mjs)$/.test(path))
      .filter((path) =>
        /\bimport\((?!\s*['"])|new Worker\((?!this\.#entry)|\bfork\((?!program\.path)|\bprogramAt\((?!new URL\('|url)/.test(
          textOf(path),
        ),
      )
      .filter((path) => path !== 'pipeline/code/source-tree.ts');
    expectNone(wrong);
  });
});

describe('backends do not share cached results', () => {
  const settings = { MTRL_ENGINE_BACKEND: 'tfjs' };
  const report = (executionProvider: string, isAvailable: boolean) =>
    ({ backend: 'tfjs', executionProvider, isAvailable, found: '' }) as const;

  it('two machines where TensorFlow.js chooses different providers have different keys', async () => {
    const [wasm, cpu] = await Promise.all([
      withNamedProvider(settings, () => Promise.resolve([report('tfjs-node', false), report('wasm', true)])),
      withNamedProvider(settings, () => Promise.resolve([report('tfjs-node', false), report('cpu', true)])),
    ]);
    expect([wasm, cpu].map((environment) => environment['MTRL_ENGINE_PROVIDER'])).toEqual(['wasm', 'cpu']);
    const [one, other] = [wasm, cpu].map((environment) =>
      versionWith('code', engineSettings(environment, { threadCount: 1 })),
    );
    expect(one).not.toBe(other);
  });

  it('versions of TensorFlow.js count only for activities that compute with it', () => {
    const [onnx, tfjs] = [codeVersionsOf(projectRoot), codeVersionsOf(projectRoot, 'tfjs')];
    expect(onnx.rollout).not.toBe(tfjs.rollout);
    expect(onnx.reward).toBe(tfjs.reward);
  });
});
