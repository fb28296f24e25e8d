/**
 * Everything that `mtrl up` starts, with a home and ports of its own, and ways to kill its parts at a chosen moment.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { resultOf } from '../../cli/show/outcome.ts';
import { type DaemonRecord, livingDaemon } from '../../infra/process/daemon.ts';
import { isAlive } from '../../infra/process/identity.ts';
import { down } from '../../infra/stack/down.ts';
import type { Env } from '../../infra/stack/env.ts';
import { projectRoot } from '../../core/project.ts';
import type { StackSettings } from '../../infra/stack/settings.ts';
import { withTemporalClient } from '../../infra/stack/temporal-client.ts';
import { up } from '../../infra/stack/up.ts';
import { compiled } from '../support/compiled.ts';
import { anew } from '../support/stack.ts';
import type { RunProgress } from '../../contract/progress.ts';
import type { ExperimentIndex } from '../../pipeline/reporting/experiment-index.ts';
import { openArtifactStore } from '../../artifacts/store/open-store.ts';
import type { ExperimentResult } from '../../contract/workflows.ts';

export type EndedExperiment = ExperimentResult & Pick<ExperimentIndex, 'runs'>;
import type { RecipeInput } from '../../recipes/recipe.ts';

/** PENDING_ACTIVITY_STATE_STARTED (temporal.api.enums.v1.PendingActivityState): the client does not export the enum. */
const started = 2 as unknown;

export type Part = 'control' | 'compute' | 'temporal' | 'minio';

export class WholeStack {
  readonly home: string;

  readonly #extra: Env;
  readonly #killed: DaemonRecord[] = [];
  #settings: StackSettings;

  private constructor(home: string, settings: StackSettings, extra: Env) {
    this.#extra = extra;
    this.home = home;
    this.#settings = settings;
  }

  /** Settings as of the last `up`, which may have moved a server. */
  get settings(): StackSettings {
    return this.#settings;
  }

  /** @param extra environment variables of the workers */
  static start(extra: Env = {}): Promise<WholeStack> {
    return anew(() => WholeStack.#startOnce(extra));
  }

  static async #startOnce(extra: Env): Promise<WholeStack> {
    const home = await mkdtemp(join(tmpdir(), 'mtrl-e2e-'));
    try {
      return new WholeStack(home, await bringUp(home, extra), extra);
    } catch (error) {
      await end(home);
      throw error;
    }
  }

  /** Runs the body with servers of its own, and stops them afterwards. */
  static async using<T>(body: (stack: WholeStack) => Promise<T>, extra: Env = {}): Promise<T> {
    const stack = await WholeStack.start(extra);
    try {
      return await body(stack);
    } finally {
      await stack.stop();
    }
  }

  /** The result of an undisturbed experiment, on servers of its own. */
  static undisturbed(recipe: RecipeInput): Promise<EndedExperiment> {
    return WholeStack.using(async (stack) => {
      await stack.startExperiment('undisturbed', recipe);
      return stack.result('undisturbed');
    });
  }

  async up(): Promise<void> {
    // A killed process still looks alive while the kernel reclaims its memory.
    while (this.#killed.some(isAlive)) await sleep(10);
    this.#settings = await bringUp(this.home, this.#extra);
  }

  stop(): Promise<void> {
    return end(this.home);
  }

  /** Opens a new connection for each call: the server may have been restarted since the last one. */
  withClient<T>(body: (client: Client) => Promise<T>): Promise<T> {
    return withTemporalClient(this.settings.temporal, body, this.#extra);
  }

  async startExperiment(id: string, recipe: RecipeInput): Promise<void> {
    await this.withClient((client) =>
      client.workflow.start('experiment', {
        workflowId: id,
        taskQueue: this.settings.taskQueues.control,
        args: [recipe],
      }),
    );
  }

  /** The result of an experiment with those of its runs, which are in the store. Throws its failure, coded. */
  async result(id: string): Promise<EndedExperiment> {
    const result = await this.withClient((client) => resultOf({ client }, id));
    const { runs } = (await openArtifactStore(this.settings.s3).getJson(result.index)) as ExperimentIndex;
    return { ...result, runs };
  }

  /** Waits until a run has reached the step. */
  async stepReached(runId: string, step: number): Promise<void> {
    const reached = (): Promise<number> =>
      this.withClient(async (client) => (await client.workflow.getHandle(runId).query<RunProgress>('progress')).step);
    // A query may fail while servers and workers restart.
    while ((await reached().catch(() => -1)) < step) await sleep(50);
  }

  kill(part: Part): void {
    this.#kill(this.#daemonOf(part));
  }

  /** Kills the compute worker while it runs the activity. */
  async killDuring(workflowId: string, activity: string): Promise<void> {
    const compute = this.#daemonOf('compute');
    await this.#stopDuring(workflowId, activity, compute.pid);
    this.#kill(compute);
  }

  /** Sends the signal to a process while it runs the activity. */
  async endDuring(
    workflowId: string,
    activity: string,
    pid: number,
    signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
  ): Promise<void> {
    await this.#stopDuring(workflowId, activity, pid);
    process.kill(pid, signal);
    if (signal !== 'SIGKILL') process.kill(pid, 'SIGCONT');
  }

  #kill(daemon: DaemonRecord): void {
    process.kill(daemon.pid, 'SIGKILL');
    this.#killed.push(daemon);
  }

  /** Suspends the process while it runs the activity, so that the activity cannot complete before the signal. */
  async #stopDuring(workflowId: string, activity: string, pid: number): Promise<void> {
    await this.withClient(async (client) => {
      for (;;) {
        process.kill(pid, 'SIGSTOP');
        // Messages that it sent before it was suspended arrive first.
        await sleep(30);
        if (await this.#isRunning(client, workflowId, activity, pid)) break;
        process.kill(pid, 'SIGCONT');
        await sleep(20);
      }
    });
  }

  async #isRunning(client: Client, workflowId: string, activity: string, pid: number): Promise<boolean> {
    const { raw, status } = await client.workflow.getHandle(workflowId).describe();
    if (status.name !== 'RUNNING') throw new Error(`${workflowId} is ${status.name}: no ${activity} to be killed in`);
    return (raw.pendingActivities ?? []).some(
      ({ activityType, state, lastWorkerIdentity }) =>
        activityType?.name === activity && state === started && lastWorkerIdentity?.startsWith(`${String(pid)}@`),
    );
  }

  /**
   * Starts a compute worker as on another machine: it gets the servers' addresses and a home of its own, and is ready
   * when its probe is.
   */
  async startSecondCompute(healthPort: number, extra: Env = {}): Promise<ChildProcess> {
    const { temporal, s3 } = this.settings;
    const home = join(this.home, 'second');
    const child = spawn(process.execPath, [compiled('workers/compute.ts')], {
      cwd: projectRoot,
      env: {
        ...env,
        MTRL_HOME: home,
        TEMPORAL_ADDRESS: temporal.address,
        MTRL_TASK_QUEUE: this.settings.taskQueues.control,
        MTRL_S3_ENDPOINT: s3.endpoint,
        MTRL_S3_BUCKET: s3.bucket,
        AWS_ACCESS_KEY_ID: s3.accessKey,
        AWS_SECRET_ACCESS_KEY: s3.secretKey,
        MTRL_HEALTH_ADDRESS: `127.0.0.1:${String(healthPort)}`,
        ...extra,
      },
      stdio: 'ignore',
    });
    while ((await healthOf(healthPort, 'readyz')) !== 200) {
      if (child.exitCode !== null) throw new Error(`the second compute worker ended with ${String(child.exitCode)}`);
      await sleep(50);
    }
    return child;
  }

  #daemonOf(part: Part): DaemonRecord {
    const record = livingDaemon(this.home, part);
    if (!record) throw new Error(`${part} does not run`);
    return record;
  }
}

/** Run name and digest of the checkpoint, for each run. */
export function policiesOf({ runs }: Pick<ExperimentIndex, 'runs'>): [runName: string, sha256: string][] {
  return runs.map(({ plan, checkpoint }) => [plan.runName, checkpoint.sha256]);
}

/** The status code of a worker's probe; undefined while nothing listens. */
export async function healthOf(port: number, probe: 'livez' | 'readyz'): Promise<number | undefined> {
  const response = await fetch(`http://127.0.0.1:${String(port)}/${probe}`).catch(() => undefined);
  return response?.status;
}

/** Only HOME, PATH and the cache: a developer's TEMPORAL_ADDRESS must not direct a test to a real cluster. */
const env: Env = {
  HOME: process.env['HOME'],
  PATH: process.env['PATH'],
  XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'],
};

function bringUp(home: string, extra: Env): Promise<StackSettings> {
  return up({ workers: true, home, env: { ...env, ...extra }, usualPorts: false, log: () => undefined });
}

async function end(home: string): Promise<void> {
  await down({ home, graceMs: 5_000, log: () => undefined });
  await rm(home, { recursive: true, force: true });
}
