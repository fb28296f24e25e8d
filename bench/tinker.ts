/**
 * recipes/paper.yaml on the tests' server of the Tinker API: every stage of the published protocol on stand-in rows with
 * pictures, each trained arm for one step. The server makes its tokens up; what it was sent shows the protocol's numbers.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../core/project.ts';
import { isTrained } from '../recipes/arms.ts';
import { loadRecipeFile } from '../recipes/load.ts';
import { WholeStack } from '../test/end-to-end/whole-stack.ts';
import { writePublishedFiles } from '../test/support/published-files.ts';
import { tinkerEnvironment } from '../test/support/tinker-fixture.ts';
import { writeTinkerJudge } from '../test/support/tinker-judge.ts';
import { TinkerServer } from '../test/support/tinker-server.ts';
import type { Body } from '../test/support/tinker-wire.ts';

const baseModel = 'tests/judge';

export async function bench(log: (line: string) => void) {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-bench-tinker-'));
  const [data, checkpoint] = [join(folder, 'data'), join(folder, 'base')];
  await writePublishedFiles(data);
  const wire = new WireLog();
  const server = await TinkerServer.start({
    ...{ baseModel, logits: await writeTinkerJudge(checkpoint) },
    log: ({ verb, body }) => {
      wire.add(verb, body);
    },
  });
  const stack = await WholeStack.start({
    ...tinkerEnvironment(server),
    ...{ MTRL_ENGINE: 'tinker', MTRL_TINKER_BASE_MODEL: baseModel },
  });
  try {
    const { recipe, parsed } = loadRecipeFile(join(projectRoot, 'recipes', 'paper.yaml'), [
      `dataFolder=${data}`,
      `policy.checkpoint=${checkpoint}`,
      `engine={tinker: {url: '${server.url}', baseModel: ${baseModel}, lora: {rank: 32}}}`,
      // The wire has no KL term in a loss.
      'arms.mt-rl.klIn=reward',
      ...['mt-rl', 'sft-unified'].map((arm) => `arms.${arm}.stepCount=1`),
      'arms.sft-unified.optimizer.warmupStepCount=0',
    ]);
    const startedMs = performance.now();
    await stack.startExperiment('paper', recipe);
    const { runs } = await stack.result('paper');
    return {
      seconds: Math.round((performance.now() - startedMs) / 1000),
      trainedArmCount: Object.values(parsed.arms).filter(isTrained).length,
      evaluations: runs.map(({ plan, evaluations }) => `${plan.runName} ${String(evaluations.length)}`),
      ...wire.figures(),
      problems: server.problems,
    };
  } finally {
    log('stopping');
    await stack.stop();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Counts of what a server was sent. */
class WireLog {
  readonly #requests = new Map<string, number>();
  /** `num_samples`, with or without pictures -> prompts. */
  readonly #sampled = new Map<string, number>();
  /** Loss and sequences of an update -> updates. */
  readonly #updates = new Map<string, number>();
  /** By model: what its next update is of. */
  readonly #open = new Map<string, { readonly lossFn: string; sequenceCount: number }>();

  add(verb: string, body: Body): void {
    count(this.#requests, verb);
    const model = String(body['model_id']);
    if (verb === 'asample') {
      const { chunks } = body['prompt'] as Input;
      count(this.#sampled, `${String(body['num_samples'])} of a prompt with ${String(imagesOf(chunks))} pictures`);
    }
    if (verb === 'forward_backward' && body['forward_only'] !== true) {
      const input = body['forward_backward_input'] as { readonly loss_fn: string; readonly data: readonly unknown[] };
      const before = this.#open.get(model)?.sequenceCount ?? 0;
      this.#open.set(model, { lossFn: input.loss_fn, sequenceCount: before + input.data.length });
    }
    if (verb === 'optim_step') {
      const open = this.#open.get(model);
      this.#open.delete(model);
      count(this.#updates, `${open?.lossFn ?? 'none'} over ${String(open?.sequenceCount ?? 0)} sequences`);
    }
  }

  figures() {
    const [requests, sampled, updates] = [this.#requests, this.#sampled, this.#updates].map((counts) =>
      Object.fromEntries(counts),
    );
    return { requests: requests ?? {}, sampled: sampled ?? {}, updates: updates ?? {} };
  }
}

interface Input {
  readonly chunks: readonly { readonly type: string }[];
}

const imagesOf = (chunks: Input['chunks']): number => chunks.filter(({ type }) => type === 'image').length;

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
