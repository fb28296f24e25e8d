import { existsSync, statSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { exitCodeOfParts, leftOutText, partLine, summaryText } from '../../bench/offline-kit/check-table.ts';
import { type KitContents, kitContents } from '../../bench/offline-kit/contents.ts';
import { type PartResult, limitMsOf } from '../../bench/offline-kit/part.ts';
import { type Offers, partsOf } from '../../bench/offline-kit/parts.ts';
import { readOps, readRounds, readSteps } from '../../bench/offline-kit/readings.ts';
import { runProgram } from '../../bench/offline-kit/run-program.ts';
import { projectRoot } from '../../core/project.ts';
import { build } from '../../infra/build.mjs';
import { expectNone } from '../support/expect-none.ts';
import { needLinuxX64 } from '../support/needs.ts';

const megabyte = 1e6;

describe.skipIf(needLinuxX64().isMissing)('the archive', () => {
  let contents: KitContents;
  beforeAll(async () => {
    await build(projectRoot, ['bench', 'test']);
    contents = kitContents(projectRoot);
  });

  const byteLengthOf = (pattern: RegExp): number =>
    contents.files
      .filter(({ path }) => pattern.test(path))
      .reduce((sum, { from }) => sum + ('text' in from ? from.text.length : statSync(from.file).size), 0);

  test('holds what the check loads, once each', () => {
    const paths = contents.files.map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths).toEqual(
      expect.arrayContaining([
        ...['check', 'bin/node', 'package.json', 'recipes/demo-base/model.safetensors'],
        ...['check', 'differences', 'machine', 'step-times', 'vulkan-devices'].map(
          (program) => `dist/bench/offline-kit/${program}.js`,
        ),
        ...['dist/bench/peers/demo_step.py', 'dist/policy/engines/embedded/process.js'],
        ...['dist/policy/runtime/list-providers.js', 'dist/policy/runtime/onnx/lane-thread.mjs'],
        'node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1',
        'node_modules/onnxruntime-node/bin/napi-v6/linux/x64/onnxruntime_binding.node',
        'node_modules/@koromix/koffi-linux-x64/linux_x64/koffi.node',
        'share/vulkan/libEGL_nvidia.so.0.json',
      ]),
    );
    expectNone(contents.files.flatMap(({ from }) => ('text' in from || existsSync(from.file) ? [] : [from.file])));
  });

  test('holds nothing of other platforms, and no package that the check does not load', () => {
    expectNone(
      contents.files
        .map(({ path }) => path)
        .filter((path) => /darwin|win32|arm64|musl|@temporalio|@tensorflow|sharp|\.d\.ts$|\.map$/.test(path)),
    );
    expect(Object.keys(contents.packages).length).toBeLessThan(30);
  });

  test('is within a budget that compresses to less than 60 MiB', () => {
    // gzip leaves .36 of Node, .38 of ONNX Runtime and .92 of the checkpoint.
    expect(byteLengthOf(/^bin\/node$/)).toBeLessThan(110 * megabyte);
    expect(byteLengthOf(/^node_modules\/onnxruntime-node\//)).toBeLessThan(48 * megabyte);
    expect(byteLengthOf(/^(?!bin\/|node_modules\/onnxruntime-node\/)/)).toBeLessThan(16 * megabyte);
  });
});

const result = (name: string, status: PartResult['status'], lines: PartResult['lines'] = []): PartResult => ({
  ...{ name, status, lines, found: `found by ${name}`, seconds: 12.3 },
});
const rounds = (by: string, ...ms: readonly [rollout: number, train: number][]): PartResult['lines'] => [
  { by },
  ...ms.map(([rolloutMs, trainMs], round) => ({ round, rolloutMs, trainMs })),
];

describe('the results', () => {
  test('of made-up parts give this table: medians without the first round, which compiles', () => {
    const results = [
      result('webgpu ops', 'agreed'),
      result('cuda ops', 'left out'),
      result('tiny cpu', 'agreed', rounds('16 threads', [900, 900], [30, 60], [50, 80], [40, 70])),
      result('tiny webgpu', 'stopped', rounds('', [3_000, 4_000])),
      result('tiny torch cuda', 'done', rounds('torch 2.15.0', [99, 99], [8, 4.5])),
    ];
    expect(results.map(partLine)[0]).toBe('agreed     12 s  webgpu ops                found by webgpu ops');
    expect(summaryText(results)).toBe(
      [
        'shape  on          rollout  update   step     by',
        'tiny   cpu         40 ms    70 ms    110 ms   16 threads',
        'tiny   webgpu      3000 ms  4000 ms  7000 ms  first round only',
        'tiny   torch cuda  8.0 ms   4.5 ms   13 ms    torch 2.15.0',
        '',
        'all that ran agreed (1 left out, 1 stopped)',
      ].join('\n'),
    );
    expect(exitCodeOfParts(results)).toBe(0);
  });

  test('say so if nothing ran on a GPU, and fail if something that ran disagreed or crashed', () => {
    expect(summaryText([result('doctor', 'done'), result('webgpu ops', 'left out')])).toContain('was finished');
    for (const status of ['differs', 'failed'] as const) {
      const results = [result('doctor', 'done'), result('webgpu step', status)];
      expect(exitCodeOfParts(results)).toBe(1);
      expect(summaryText(results)).toContain('webgpu step did not agree or failed');
    }
  });

  test('of ops that were not all reached name how many were, and each problem', () => {
    const op = (title: string, problem = '') => ({ op: 'Add', title, problem, difference: 2e-6 });
    expect(readOps([{ opCaseCount: 3 }, op('Add: one'), op('Add: two', 'has 1 at 0, expected 2')])).toEqual({
      found: '2 of 3 cases of ops, largest difference 2.0e-6',
      hasCompared: true,
      problems: ['Add: two has 1 at 0, expected 2'],
    });
    expect(readOps([]).hasCompared).toBe(false);
  });

  test('of steps disagree on other tokens, on a difference above the tolerance and on NaN', () => {
    const step = { name: 'demo-base', sameTokens: false, tokenCount: 9, differences: { loss: 2e-4, m: null, v: 1e-6 } };
    expect(readSteps([step]).problems).toEqual([
      'demo-base: other tokens are sampled',
      'demo-base: loss differ by 0.0002',
      'demo-base: m differ by null',
    ]);
  });

  test('of rounds disagree if log-probs of rollouts and training do', () => {
    const round = (logProbDifferenceMax: number | null) => [
      { by: '' },
      { rolloutMs: 1, trainMs: 1, logProbDifferenceMax },
    ];
    expect(readRounds(round(2e-6)).problems).toEqual([]);
    expect(readRounds(round(2e-3)).problems.length).toBe(1);
    expect(readRounds(round(null)).problems.length).toBe(1);
  });
});

describe('the parts', () => {
  const offers: Offers = {
    providers: { webgpu: { environment: {} }, cuda: { environment: {}, leftOut: 'no libraries' } },
    torch: { environment: {}, device: 'cuda', leftOut: 'no Python' },
  };

  test('share the time: those left out take none, and what one leaves goes to the next', () => {
    const parts = partsOf(offers);
    const limits = parts.map((_, index) => limitMsOf(parts, index, 400_000));
    let remainingMs = 400_000;
    for (const index of parts.keys()) remainingMs -= limitMsOf(parts, index, remainingMs);
    expect(remainingMs).toBeCloseTo(0);
    expect(limits.filter((_, index) => parts[index]?.leftOut !== undefined).every((limit) => limit === 0)).toBe(true);
    expect(limits[0]).toBeGreaterThan(90_000);
    expect(limitMsOf(parts, 0, -5)).toBe(0);
  });

  test('that are left out are named, a line a reason', () => {
    const [cuda, torch, ...more] = leftOutText(partsOf(offers)).split('\n');
    expect(cuda).toBe('left out  cuda ops, cuda step, tiny cuda, small cuda, smolvlm-256m cuda: no libraries');
    expect(torch).toBe('left out  tiny torch cuda, small torch cuda, smolvlm-256m torch cuda: no Python');
    expect(more).toEqual([]);
  });

  test('are stopped with their children when their time is over, and their errors are told', async () => {
    const program = new URL('../../bench/offline-kit/differences.ts', import.meta.url);
    const stopped = await runProgram(program, ['cpu'], {}, 50);
    expect(stopped).toMatchObject({ end: 'stopped', lines: [] });
    const failed = await runProgram(program, ['abacus', 'untied-gqa'], {}, 600_000);
    expect(failed.end).toBe('failed');
    expect(failed.reason).toContain('abacus');
  });
});
