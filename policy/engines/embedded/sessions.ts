/** The compiled graphs of one architecture: built and given to the runtime when first asked for, kept for each way to train. */
import type { TrainableSpec } from '../../engine.ts';
import type { Graph } from '../../graph/ir.ts';
import type { Architecture } from '../../models/architecture.ts';
import { type ParameterSpec, isTrained } from '../../models/parameters.ts';
import { rolloutGraph } from '../../models/rollout-graph.ts';
import { type TrainingGraphOptions, trainingGraph } from '../../models/training-graph.ts';
import { adamwGraph } from '../../optimizer/adamw-graph.ts';
import type { GraphRunner, Runtime } from '../../runtime/graph-runner.ts';

export class Sessions {
  readonly #architecture: Architecture;
  #specs: readonly ParameterSpec[];
  #variant = '';
  readonly #runtime: Runtime;
  readonly #sessions = new Map<string, Promise<GraphRunner>>();

  constructor(architecture: Architecture, runtime: Runtime) {
    this.#architecture = architecture;
    this.#specs = architecture.parameterSpecs;
    this.#runtime = runtime;
  }

  /** From here on, graphs are for these weights. */
  retarget(trainable: TrainableSpec, specs: readonly ParameterSpec[]): void {
    this.#variant = JSON.stringify(trainable);
    this.#specs = specs;
  }

  training(options: TrainingGraphOptions): Promise<GraphRunner> {
    return this.#get(`training${JSON.stringify(options)}`, () =>
      trainingGraph(this.#architecture, this.#specs, options),
    );
  }

  rollout(withImages: boolean): Promise<GraphRunner> {
    return this.#get(`rollout${withImages}`, () => rolloutGraph(this.#architecture, this.#specs, { withImages }));
  }

  optimizer(): Promise<GraphRunner> {
    return this.#get('adamw', () => adamwGraph(this.#specs.filter(isTrained)));
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
    this.#sessions.clear();
  }

  #get(name: string, build: () => Graph): Promise<GraphRunner> {
    const key = `${name}${this.#variant}`;
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const created = this.#runtime.compile(build());
    this.#sessions.set(key, created);
    return created;
  }
}
