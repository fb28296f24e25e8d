/** Chaos plans, each held against the undisturbed experiment. */
import { isDeepStrictEqual } from 'node:util';
import type { ChaosPlan } from './chaos-plan.ts';
import { ChaosServers } from './chaos-servers.ts';
import { type Bits, type Outcome, runPlan } from './run-plan.ts';

export interface Judged extends Outcome {
  /** What differs from the undisturbed experiment, and what must not be at all. */
  readonly problems: readonly string[];
}

export class Chaos {
  readonly undisturbed: Outcome;
  readonly #servers: ChaosServers;
  readonly #build: string;
  readonly #expected: Bits;

  private constructor(servers: ChaosServers, build: string, undisturbed: Outcome, expected: Bits) {
    this.#servers = servers;
    this.#build = build;
    this.undisturbed = undisturbed;
    this.#expected = expected;
  }

  /**
   * Starts servers and runs the undisturbed experiment.
   * @param build folder of the compiled project that the workers run
   */
  static async start(build: string): Promise<Chaos> {
    const servers = await ChaosServers.start();
    try {
      const undisturbed = await runPlan(servers, { seed: -1, commands: [] }, build);
      const { bits, problems } = undisturbed;
      if (bits === undefined) throw new Error(`the undisturbed experiment failed: ${problems.join('; ')}`);
      return new Chaos(servers, build, undisturbed, bits);
    } catch (error) {
      await servers.stop();
      throw error;
    }
  }

  async run(plan: ChaosPlan): Promise<Judged> {
    const outcome = await runPlan(this.#servers, plan, this.#build);
    const { bits, problems } = outcome;
    const differing = (Object.keys(this.#expected) as (keyof Bits)[]).filter(
      (part) => bits !== undefined && !isDeepStrictEqual(bits[part], this.#expected[part]),
    );
    return { ...outcome, problems: [...differing.map((part) => `other ${part} than without faults`), ...problems] };
  }

  stop(): Promise<void> {
    return this.#servers.stop();
  }
}
