/** Runs our workflows on a real server, with workers in this process and fake activities. */
import { Client, Connection } from '@temporalio/client';
import { type InjectedSinks, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { silentLogger } from '../support/silent-logger.ts';
import { useStack } from '../support/stack.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import type { SpanSinks, WorkflowSpan } from '../../workflows/spans.ts';
import { bundleFolder } from './bundle-folder.ts';
import { MadeUpActivities } from './made-up-activities.ts';

/** Used instead of the machine's name, which would appear in recorded histories. */
const identity = 'test';

export interface WorkflowHarness {
  readonly client: Client;
  readonly activities: MadeUpActivities;
  /** Address and namespace of the server. */
  readonly temporal: { readonly address: string; readonly namespace: string };
  /** Home of the servers' stack. */
  readonly home: string;
}

/** @param ended if given, the workflows are traced, and it is called with every span */
export function useWorkflows(ended?: (span: WorkflowSpan) => void): WorkflowHarness {
  const stack = useStack();
  let client: Client | undefined;
  let activities = new MadeUpActivities();
  const ends: (() => Promise<void>)[] = [];
  // One set of functions for the worker's lifetime, which forwards to the activities of the current test.
  const forward = (room: 'control' | 'compute') => {
    const names = Object.keys(activities[room]);
    const call = (name: string) => (input: unknown) =>
      (activities[room] as unknown as Record<string, (input: unknown) => Promise<unknown>>)[name]?.(input);
    return Object.fromEntries(names.map((name) => [name, call(name)]));
  };

  beforeAll(async () => {
    Runtime.install({ logger: silentLogger, telemetryOptions: { logging: { filter: 'WARN', forward: {} } } });
    const { address, namespace } = stack.settings.temporal;
    const connection = await NativeConnection.connect({ address });
    const codePath = await workflowBundle(bundleFolder, { traced: ended !== undefined });
    const common = { connection, namespace, shutdownForceTime: '2s', identity };
    const bundled = { workflowBundle: { codePath }, ...(ended && { sinks: sinksOf(ended) }) };
    const workers = await Promise.all([
      Worker.create({ ...common, taskQueue: 'mtrl', ...bundled, activities: forward('control') }),
      Worker.create({ ...common, taskQueue: 'mtrl-compute', activities: forward('compute') }),
    ]);
    const running = workers.map((worker) => worker.run());
    const clientConnection = await Connection.connect({ address });
    client = new Client({ connection: clientConnection, namespace, identity });
    ends.push(async () => {
      for (const worker of workers) worker.shutdown();
      await Promise.allSettled(running);
      await clientConnection.close();
      await connection.close();
    });
  });
  beforeEach(() => {
    activities = new MadeUpActivities();
  });
  afterAll(async () => {
    for (const end of ends) await end();
  });
  return {
    get client() {
      if (!client) throw new Error('the client is there only inside tests');
      return client;
    },
    get activities() {
      return activities;
    },
    get temporal() {
      return stack.settings.temporal;
    },
    get home() {
      return stack.settings.home;
    },
  };
}

function sinksOf(ended: (span: WorkflowSpan) => void): InjectedSinks<SpanSinks> {
  return {
    spans: {
      ended: {
        fn: (_, span) => {
          ended(span);
        },
      },
    },
  };
}
