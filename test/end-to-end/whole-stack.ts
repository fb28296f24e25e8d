/** The whole of what `mtrl up` starts, on a home and ports of its own, and ways to kill its parts at a chosen moment. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { livingDaemon } from '../../infra/process/daemon.ts';
import { down } from '../../infra/stack/down.ts';
import type { Env, StackSettings } from '../../infra/stack/settings.ts';
import { up } from '../../infra/stack/up.ts';
import type { ExperimentResult } from '../../workflows/types.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';

/** PENDING_ACTIVITY_STATE_STARTED (temporal.api.enums.v1.PendingActivityState): the client does not export the enum. */
const started = 2 as unknown;

export type Part = 'control' | 'compute' | 'temporal' | 'minio';

export class WholeStack {
  readonly home: string;
  readonly settings: StackSettings;

  private constructor(home: string, settings: StackSettings) {
    this.home = home;
    this.settings = settings;
  }

  static async start(): Promise<WholeStack> {
    const home = await mkdtemp(join(tmpdir(), 'mtrl-e2e-'));
    try {
      return new WholeStack(home, await bringUp(home));
    } catch (error) {
      await end(home);
      throw error;
    }
  }

  async up(): Promise<void> {
    await bringUp(this.home);
  }

  stop(): Promise<void> {
    return end(this.home);
  }

  /** A connection of its own for each question: the server may have gone since the last one. */
  async withClient<T>(body: (client: Client) => Promise<T>): Promise<T> {
    const { address, namespace } = this.settings.temporal;
    const connection = await Connection.connect({ address });
    try {
      return await body(new Client({ connection, namespace }));
    } finally {
      await connection.close();
    }
  }

  async startExperiment(id: string, recipe: RecipeInput): Promise<void> {
    await this.withClient((client) =>
      client.workflow.start('experiment', { workflowId: id, taskQueue: 'mtrl', args: [recipe] }),
    );
  }

  result(id: string): Promise<ExperimentResult> {
    return this.withClient((client) => client.workflow.result<(recipe: unknown) => Promise<ExperimentResult>>(id));
  }

  kill(part: Part): void {
    process.kill(this.#pidOf(part), 'SIGKILL');
  }

  /** Kills the compute worker while it does that activity: it is stopped first, so that the activity cannot end before. */
  async killDuring(workflowId: string, activity: string): Promise<void> {
    const pid = this.#pidOf('compute');
    await this.withClient(async (client) => {
      for (;;) {
        process.kill(pid, 'SIGSTOP');
        // What it had sent before it was stopped arrives first.
        await sleep(30);
        if (await this.#isRunning(client, workflowId, activity)) break;
        process.kill(pid, 'SIGCONT');
        await sleep(20);
      }
    });
    process.kill(pid, 'SIGKILL');
  }

  async #isRunning(client: Client, workflowId: string, activity: string): Promise<boolean> {
    const { raw, status } = await client.workflow.getHandle(workflowId).describe();
    if (status.name !== 'RUNNING') throw new Error(`${workflowId} is ${status.name}: no ${activity} to be killed in`);
    return (raw.pendingActivities ?? []).some(
      ({ activityType, state }) => activityType?.name === activity && state === started,
    );
  }

  #pidOf(part: Part): number {
    const record = livingDaemon(this.home, part);
    if (!record) throw new Error(`${part} does not run`);
    return record.pid;
  }
}

/** HOME and PATH only: a TEMPORAL_ADDRESS of the developer must not turn a test loose on a real cluster. */
const env: Env = {
  HOME: process.env['HOME'],
  PATH: process.env['PATH'],
  XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'],
};

function bringUp(home: string): Promise<StackSettings> {
  return up({ workers: true, home, env, usualPorts: false, log: () => undefined });
}

async function end(home: string): Promise<void> {
  await down({ home, graceMs: 5_000, log: () => undefined });
  await rm(home, { recursive: true, force: true });
}
