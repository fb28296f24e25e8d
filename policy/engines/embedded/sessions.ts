/** The compiled graphs of one architecture: emitted and loaded when first asked for. */
import { emitOnnx } from '../../graph/emit.ts';
import type { Graph } from '../../graph/ir.ts';
import type { Idefics3Config } from '../../models/idefics3-config.ts';
import type { ParameterSpec } from '../../models/parameters.ts';
import { rolloutGraph } from '../../models/rollout-graph.ts';
import { type TrainingGraphOptions, trainingGraph } from '../../models/training-graph.ts';
import { adamwGraph } from '../../optimizer/adamw-graph.ts';
import { Session, type SessionOptions } from '../../runtime/session.ts';

export class Sessions {
  readonly #config: Idefics3Config;
  readonly #specs: readonly ParameterSpec[];
  readonly #options: SessionOptions;
  readonly #sessions = new Map<string, Promise<Session>>();

  constructor(config: Idefics3Config, specs: readonly ParameterSpec[], options: SessionOptions) {
    this.#config = config;
    this.#specs = specs;
    this.#options = options;
  }

  training(options: TrainingGraphOptions): Promise<Session> {
    return this.#get(`training${JSON.stringify(options)}`, () => trainingGraph(this.#config, this.#specs, options));
  }

  rollout(withImages: boolean): Promise<Session> {
    return this.#get(`rollout${withImages}`, () => rolloutGraph(this.#config, this.#specs, { withImages }));
  }

  optimizer(): Promise<Session> {
    return this.#get('adamw', () => adamwGraph(this.#specs));
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
    this.#sessions.clear();
  }

  #get(key: string, build: () => Graph): Promise<Session> {
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const created = Session.create(emitOnnx(build()), this.#options);
    this.#sessions.set(key, created);
    return created;
  }
}
