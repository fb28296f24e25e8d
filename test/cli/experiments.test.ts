import { Client, Connection } from '@temporalio/client';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describe as describeExperiment } from '../../cli/temporal/describe-experiment.ts';
import { inputsOfExperiment, start, startOrAttach } from '../../cli/temporal/experiments.ts';
import type { Stack } from '../../cli/temporal/stack.ts';
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { openArtifactStore } from '../../artifacts/store/open-store.ts';
import { digestOf } from '../../core/json.ts';
import { projectRoot } from '../../core/project.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { compiled } from '../support/compiled.ts';
import { useStack } from '../support/stack.ts';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function mtrl(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      [compiled('cli/main.ts'), ...args],
      { cwd: projectRoot, env },
      (error, stdout, stderr) => {
        done({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

describe('on real servers', () => {
  const servers = useStack();
  let connection: Connection;
  let stack: Stack;
  beforeAll(async () => {
    const { settings } = servers;
    connection = await Connection.connect({ address: settings.temporal.address });
    stack = {
      settings,
      client: new Client({ connection, namespace: settings.temporal.namespace }),
      store: openArtifactStore(settings.s3),
    };
  });
  afterAll(() => connection.close());

  const request = (experimentId: string, sets: readonly string[] = []) => ({
    experimentId,
    ...loadRecipeFile('recipes/demo-quick.yaml', sets),
  });

  test('attaches to an experiment started with the same recipe and refuses another recipe with the difference', async () => {
    expect(await startOrAttach(stack, request('twice'))).toBe('started');
    expect(await startOrAttach(stack, request('twice'))).toBe('attached');
    // Writing a default explicitly is not a difference.
    expect(await startOrAttach(stack, request('twice', ['evaluation.seed=0']))).toBe('attached');
    await expect(startOrAttach(stack, request('twice', ['arms.mt-rl.groupSize=4']))).rejects.toMatchObject({
      code: 'RECIPE_CONFLICT',
      details: {
        found: 'arms.mt-rl.groupSize: there 8, here 4',
        hint: expect.stringContaining('fork twice --from-step K') as string,
      },
    });
  });

  test('refuses another recipe for a closed experiment and can start again from the recorded one', async () => {
    await startOrAttach(stack, request('ended'));
    await stack.client.workflow.getHandle('ended').terminate();
    expect(await startOrAttach(stack, request('ended'))).toBe('attached');
    await expect(startOrAttach(stack, request('ended', ['seeds=[4]']))).rejects.toMatchObject({
      code: 'RECIPE_CONFLICT',
    });
    expect((await inputsOfExperiment(stack.client, 'ended')).recipe).toEqual(request('ended').recipe);
    await start(stack, request('ended'), 'ALLOW_DUPLICATE_FAILED_ONLY');
    expect((await describeExperiment(stack.client, 'ended')).status.name).toBe('RUNNING');
  });

  test('sets the search attributes, summary and details of an experiment', async () => {
    await startOrAttach(stack, request('attributes'));
    const description = await describeExperiment(stack.client, 'attributes');
    expect(await description.staticSummary()).toContain('demo-quick: ');
    expect(await description.staticDetails()).toMatch(/- \*\*mt-rl\*\* think, grpo, \d+ steps/);
    const attributes = Object.fromEntries(
      description.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
    );
    expect(attributes).toMatchObject({
      MtrlExperiment: 'attributes',
      MtrlRecipe: 'demo-quick',
      MtrlRecipeDigest: digestOf(asJson(request('attributes').parsed)),
      MtrlState: 'preparing',
    });
  });

  test('the server takes every filter of docs/monitoring.md', async () => {
    const text = readFileSync(join(projectRoot, 'docs', 'monitoring.md'), 'utf8');
    const queries = [...text.matchAll(/^\| [^|]+ \| `([^`]*(?: = | IN | STARTS_WITH )[^`]*)` \|$/gm)].map(
      ([, query = '']) => query,
    );
    expect(queries.length).toBeGreaterThan(5);
    for (const query of queries) await stack.client.workflow.count(query);
    const digest = digestOf(asJson(request('attributes').parsed));
    await startOrAttach(stack, request('filtered'));
    await expect
      .poll(
        async () => (await stack.client.workflow.count(`MtrlRecipeDigest STARTS_WITH '${digest.slice(0, 12)}'`)).count,
      )
      .toBeGreaterThan(0);
  });

  test('reports the status without a worker, as text and as one JSON document', async () => {
    await startOrAttach(stack, request('waiting'));
    const { code, stdout } = await mtrl(['status', 'waiting', '--json'], servers.env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ experimentId: 'waiting', status: 'running', progress: null });
  });

  test('exits with 1 and NOT_FOUND for an unknown id', async () => {
    const { code, stdout, stderr } = await mtrl(['report', 'no-such'], servers.env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('NOT_FOUND: the experiment does not exist');
  });
});

describe('without servers', () => {
  test.each([
    [['frobnicate'], 2, 'unknown command'],
    [['run'], 2, "missing required argument 'recipe'"],
    [['run', 'recipes/demo.yaml', '--id', 'a/b'], 2, 'USAGE: the experiment id is invalid'],
    [
      ['run', 'recipes/demo.yaml', '--set', 'arms.mt-rl.groupSize=1', '--json'],
      2,
      'arms.mt-rl.groupSize (--set): found 1',
    ],
    [['run', 'recipes/nowhere.yaml'], 2, 'USAGE'],
    [['status', 'x'], 1, 'TEMPORAL_UNREACHABLE: Temporal does not answer\n  at    127.0.0.1:9'],
  ] as const)('%j exits with %i', async (args, code, words) => {
    const env = {
      ...process.env,
      TEMPORAL_ADDRESS: '127.0.0.1:9',
      MTRL_S3_ENDPOINT: 'http://127.0.0.1:9',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
    };
    const ended = await mtrl(args, env);
    expect(ended.stderr).toContain(words);
    expect(ended).toMatchObject({ code, stdout: '' });
  });
});
