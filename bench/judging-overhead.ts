/**
 * `npm run bench -- judging-overhead`: ingests the 1,250 rows of VL-RewardBench as the text-only control, and evaluates them
 * in both orders with the demo's tokenizer and an engine that answers at once. Prints the time of ingestion, and what a
 * judgment costs beside the engine: prompts, tokens, readings, metrics with their intervals, and the store (a folder).
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { putFolder } from '../artifacts/store/files.ts';
import { FolderObjectStore } from '../artifacts/store/folder-object-store.ts';
import { required } from '../core/assert.ts';
import { projectRoot } from '../core/project.ts';
import { createEvaluate } from '../pipeline/asking/evaluate.ts';
import { Prompter } from '../pipeline/asking/prompts/prompter.ts';
import type { ComputeContext } from '../pipeline/compute-context.ts';
import { createIngest } from '../pipeline/data/ingest.ts';
import { localFiles } from '../judge/datasets/sources/local-files.ts';
import { createPrepare } from '../pipeline/data/prepare.ts';
import type { Caller } from '../pipeline/heartbeat.ts';
import { JsonCache } from '../pipeline/json-cache.ts';
import { EnginePool } from '../pipeline/policies/engine-pool.ts';
import { PolicyStates } from '../pipeline/policies/policy-states.ts';
import { Processors } from '../pipeline/policies/processors.ts';
import { StateCache } from '../pipeline/policies/state-cache.ts';
import { loadRecipeFile } from '../recipes/load.ts';
import type { Recipe } from '../recipes/recipe.ts';
import { AnsweringEngine, noStates } from './answering-engine.ts';
import { rounded } from './statistics.ts';

const task = 'vl-rewardbench-blind';
const roundCount = 3;
const answers = ['<answer> first </answer> <eos>', '<answer> second </answer> <eos>'];
/** The longest answers must fit: they have thousands of words. */
const positionCount = 8192;

const caller: Caller = {
  heartbeat: () => undefined,
  cancellationSignal: new AbortController().signal,
  request: { activityId: 'bench' },
};

interface Phase {
  readonly wallMs: number;
  /** Processor time of this process: what the work takes on a machine that does nothing else. */
  readonly processorMs: number;
}

interface Round {
  readonly judgmentCount: number;
  readonly ingest: Phase;
  readonly evaluate: Phase;
}

export async function bench(log: (line: string) => void) {
  const rounds: Round[] = [];
  for (let i = 0; i < roundCount; i++) {
    const folder = mkdtempSync(join(tmpdir(), 'mtrl-bench-judging-'));
    try {
      const round = await roundIn(folder);
      rounds.push(round);
      log(`ingest ${textOf(round.ingest)}, evaluate ${textOf(round.evaluate)}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  const judgmentCount = rounds[0]?.judgmentCount ?? NaN;
  // The least: other work on the machine only adds to it.
  const least = (valueOf: (round: Round) => number): number => Math.min(...rounds.map(valueOf));
  const evaluate = {
    wallMs: least((round) => round.evaluate.wallMs),
    processorMs: least((round) => round.evaluate.processorMs),
  };
  return {
    ...{ judgmentCount, roundCount },
    ingest: {
      wallMs: rounded(least((round) => round.ingest.wallMs)),
      processorMs: rounded(least((round) => round.ingest.processorMs)),
    },
    evaluate: { wallMs: rounded(evaluate.wallMs), processorMs: rounded(evaluate.processorMs) },
    perJudgment: {
      wallMs: rounded(evaluate.wallMs / judgmentCount),
      processorMs: rounded(evaluate.processorMs / judgmentCount),
    },
  };
}

function textOf({ wallMs, processorMs }: Phase): string {
  return `${rounded(wallMs)} ms (${rounded(processorMs)} ms of processors)`;
}

async function roundIn(folder: string): Promise<Round> {
  const config = configIn(folder);
  const context = contextIn(folder, config);
  const { cache, deps } = context;
  const { recipe } = await createPrepare(cache, localFiles)({ recipe: controlOf(config), needed: 'all' });
  const ingest = await timed(() => createIngest(deps, cache)({ recipe }, caller));
  const checkpoint = await putFolder(deps.store, config, [
    ...['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'],
    ...['chat_template.jinja', 'preprocessor_config.json', 'processor_config.json', 'special_tokens_map.json'],
  ]);
  const snapshot = await cache.put({ schema: 1, step: 0, checkpoint, optimizer: null, records: [], previous: null });
  const input = {
    ...{ recipe, dataset: ingest.result.dataset, policy: { snapshot, log: [] }, arm: 'base', seed: 0 },
    ...({ task, split: 'test', mode: 'direct' } as const),
  };
  const evaluate = await timed(() => createEvaluate(context)(input, caller));
  const { exampleCount, unparsableRate } = evaluate.result.scores;
  if (unparsableRate > 0) throw new Error(`${String(unparsableRate)} of the answers cannot be read`);
  return { judgmentCount: 2 * exampleCount, ingest, evaluate };
}

async function timed<T>(work: () => Promise<T>): Promise<Phase & { readonly result: T }> {
  const [startedAtMs, usedBefore] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(usedBefore);
  return { result, wallMs: performance.now() - startedAtMs, processorMs: (user + system) / 1000 };
}

function contextIn(folder: string, config: string): ComputeContext {
  const store = new ArtifactStore(new FolderObjectStore(join(folder, 'store')));
  const cache = new JsonCache(store);
  const spoolFolder = join(folder, 'spool');
  const { model } = JSON.parse(readFileSync(join(config, 'tokenizer.json'), 'utf8')) as {
    readonly model: { readonly vocab: Readonly<Record<string, number>> };
  };
  const completions = answers.map((text) => text.split(' ').map((word) => required(model.vocab[word], word)));
  const enginePool = new EnginePool(1, () => new AnsweringEngine(completions));
  const stateCache = new StateCache(noStates);
  const deps = {
    ...{ store, codeVersion: () => 'bench', log: pino({ level: 'silent' }), enginePool, transfer: noStates },
    ...{ stateCache, spoolFolder },
  };
  return {
    ...{ deps, cache, prompter: new Prompter(cache) },
    processors: new Processors(cache, join(spoolFolder, 'processors')),
    states: new PolicyStates({
      ...{ store, pool: enginePool, transfer: noStates, cache: stateCache },
      replay: () => Promise.reject(new Error('nothing is trained')),
    }),
  };
}

/** The demo's config with more positions. */
function configIn(folder: string): string {
  const config = join(folder, 'config');
  cpSync(join(projectRoot, 'recipes', 'demo-config'), config, { recursive: true });
  const file = join(config, 'config.json');
  const demo = JSON.parse(readFileSync(file, 'utf8')) as { readonly text_config: object };
  const text = { ...demo.text_config, max_position_embeddings: positionCount };
  writeFileSync(file, JSON.stringify({ ...demo, text_config: text }));
  return config;
}

/** The shipped control with one of its tasks. */
function controlOf(config: string): Recipe {
  const { parsed } = loadRecipeFile(join(projectRoot, 'recipes', 'judge-benchmarks-blind.yaml'), [
    `policy={config: ${config}, initSeed: 0}`,
    'arms.base.mode=direct',
  ]);
  return {
    ...parsed,
    tasks: { [task]: required(parsed.tasks[task], task) },
    datasets: parsed.datasets.filter((dataset) => dataset.reader !== 'judge-world' && dataset.task === task),
  };
}
