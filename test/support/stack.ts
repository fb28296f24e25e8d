/**
 * Real servers for a test: Temporal and MinIO with a temporary home and free ports, without workers, stopped
 * afterwards.
 *
 * const stack = useStack();
 * it('...', async () => { stack.settings.temporal.address ... });
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { MtrlError } from '../../core/errors.ts';
import { down } from '../../infra/stack/down.ts';
import { childEnv, type StackSettings } from '../../infra/stack/settings.ts';
import { up } from '../../infra/stack/up.ts';

export interface TestStack {
  readonly settings: StackSettings;
  /** Environment that makes a child process use this stack and no other. */
  readonly env: Record<string, string>;
  /** Restarts killed servers on the same ports. */
  readonly up: () => Promise<StackSettings>;
  /** Stops the servers and deletes their data. */
  readonly stop: () => Promise<void>;
}

/** Retries once: with many tests running, a free port may be taken by a connection before the server binds it. */
export async function anew<T>(start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof MtrlError && ['SETUP_FAILED', 'PORT_IN_USE'].includes(error.code))) throw error;
    return start();
  }
}

export function startTestStack(): Promise<TestStack> {
  return anew(startOnce);
}

async function startOnce(): Promise<TestStack> {
  const home = await mkdtemp(join(tmpdir(), 'mtrl-test-'));
  const log = (): void => undefined;
  // An empty environment: a developer's TEMPORAL_ADDRESS must not direct a test to a real cluster.
  const start = () => up({ workers: false, home, env: {}, usualPorts: false, answerTimeoutMs: 5_000, log });
  const stop = async () => {
    // No grace period: the next line deletes what a server would save.
    await down({ home, graceMs: 0, log });
    await rm(home, { recursive: true, force: true });
  };
  try {
    const settings = await start();
    return { settings, env: childEnv({ MTRL_HOME: home }), up: start, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts a stack before the tests of the calling file (or `describe`) and stops it after them. */
export function useStack(): TestStack {
  let stack: TestStack | undefined;
  const get = (): TestStack => {
    if (!stack) throw new Error('the test stack is there only inside tests and hooks');
    return stack;
  };
  beforeAll(async () => {
    stack = await startTestStack();
  });
  afterAll(async () => {
    await stack?.stop();
  });
  return {
    get settings() {
      return get().settings;
    },
    get env() {
      return get().env;
    },
    up: () => get().up(),
    stop: () => get().stop(),
  };
}
