/** Compiled graphs of one architecture: built and compiled on first use, and cached for each TrainableSpec. */
import type { TrainableSpec } from '../../engine.ts';
import type { Graph } from '../../graph/ir.ts';
import type { Architecture } from '../../models/architecture.ts';
import { type ParameterSpec, isTrained } from '../../models/parameters.ts';
import { type RolloutGraphOptions, rolloutGraph } from '../../models/rollout-graph.ts';
import { type TrainingGraphOptions, trainingGraph } from '../../models/training-graph.ts';
import { adamwGraph, gradientNormGraph } from '../../optimizer/adamw-graph.ts';
import { muonGraph } from '../../optimizer/muon-graph.ts';
import type { CompileOptions, GraphRunner, Runtime } from '../../runtime/graph-runner.ts';
import { type GraphPlan, planOf } from './memory/memory-plan.ts';
import { type MemoryFor, type OptimizerState, type TensorData, elementCount, squared, zerosFor } from './weights.ts';

export class Sessions {
  readonly #architecture: Architecture;
  #specs: readonly ParameterSpec[];
  #variant = '';
  readonly #runtime: Runtime;
  readonly #sessions = new Map<string, Promise<GraphRunner>>();
  readonly #plans = new Map<string, GraphPlan>();

  constructor(architecture: Architecture, runtime: Runtime) {
    this.#architecture = architecture;
    this.#specs = architecture.parameterSpecs;
    this.#runtime = runtime;
  }

  /** Number of concurrent calls. */
  get laneCount(): number {
    return this.#runtime.laneCount ?? 1;
  }

  /** @see Runtime.callByteLengthMax */
  get callByteLengthMax(): number {
    return this.#runtime.callByteLengthMax ?? Infinity;
  }

  /** Zeros in memory that all lanes read and write in place. */
  readonly memoryFor: MemoryFor = (spec) => {
    const length = elementCount(spec);
    return this.#runtime.zeros?.(length) ?? new Float32Array(length);
  };

  zerosFor(specs: readonly ParameterSpec[]): TensorData {
    return zerosFor(specs, this.memoryFor);
  }

  /** Zero moments of the trained weights, for AdamW alone or with Muon for hidden matrices. */
  newOptimizerState(withMuon = false): OptimizerState {
    return {
      m: this.zerosFor(this.#specs.filter(isTrained)),
      v: this.zerosFor(squared(this.#specs, withMuon)),
      updateCount: 0,
    };
  }

  /** Sets the weights for which graphs are built from now on. */
  retarget(trainable: TrainableSpec, specs: readonly ParameterSpec[]): void {
    this.#variant = JSON.stringify(trainable);
    this.#specs = specs;
  }

  training(options: TrainingGraphOptions): Promise<GraphRunner> {
    return this.#get(keyOf('training', options), () => this.#training(options));
  }

  trainingPlan(options: TrainingGraphOptions): GraphPlan {
    return this.#plan(keyOf('training', options), () => this.#training(options));
  }

  rollout(options: RolloutGraphOptions): Promise<GraphRunner> {
    return this.#get(keyOf('rollout', options), () => this.#rollout(options));
  }

  rolloutPlan(options: RolloutGraphOptions): GraphPlan {
    return this.#plan(keyOf('rollout', options), () => this.#rollout(options));
  }

  gradientNorm(): Promise<GraphRunner> {
    return this.#get('gradientNorm', () => gradientNormGraph(this.#specs.filter(isTrained)));
  }

  /** Graph that updates these weights; on a device, they and their moments stay there. */
  adamw(specs: readonly ParameterSpec[]): Promise<GraphRunner> {
    return this.#get(`adamw ${namesOf(specs)}`, () => adamwGraph(specs), { keepsOutputs: true });
  }

  /** Like `adamw`, for hidden matrices only. */
  muon(specs: readonly ParameterSpec[]): Promise<GraphRunner> {
    return this.#get(`muon ${namesOf(specs)}`, () => muonGraph(specs), { keepsOutputs: true });
  }

  /** Must be called before weights or moments are read: the current values may be on a device. */
  async settle(): Promise<void> {
    await this.#runtime.settle?.();
  }

  /** Must be called after weights or moments are replaced. */
  forget(): void {
    this.#runtime.forget?.();
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
    this.#sessions.clear();
    this.#plans.clear();
  }

  #training(options: TrainingGraphOptions): Graph {
    return trainingGraph(this.#architecture, this.#specs, options);
  }

  #rollout(options: RolloutGraphOptions): Graph {
    return rolloutGraph(this.#architecture, this.#specs, options);
  }

  #get(name: string, build: () => Graph, compiling: CompileOptions = {}): Promise<GraphRunner> {
    const key = `${name}${this.#variant}`;
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const created = this.#runtime.compile(build(), compiling);
    this.#sessions.set(key, created);
    return created;
  }

  #plan(name: string, build: () => Graph): GraphPlan {
    const key = `${name}${this.#variant}`;
    const plan = this.#plans.get(key) ?? planOf(build());
    this.#plans.set(key, plan);
    return plan;
  }
}

/** Joins all names, because buckets of different optimizers may start with the same weights. */
function namesOf(specs: readonly ParameterSpec[]): string {
  return specs.map(({ name }) => name).join();
}

function keyOf(kind: string, options: object): string {
  return `${kind}${JSON.stringify(options)}`;
}
