/**
 * `mtrl promote`, `approve`, `reject`, `rollback`, `promoted`, and a promoted name as a policy, also of `mtrl serve`, as
 * a user runs them, on real servers and workers.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { dataUri } from '../serve/demo-server.ts';
import { mtrlOn } from '../support/commands.ts';
import { type Answered, ServeProcess } from './served-requests.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

let stack: WholeStack;
let folder: string;
let server: Server;
const told: { readonly type: string; readonly data: { readonly text: string } }[] = [];
const recipes: Record<'judge' | 'asking', string> = { judge: '', asking: '' };

const mtrl = (...args: readonly string[]) => mtrlOn(stack.home, args);
async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await mtrl(...args, '--json');
  expect(code, err).toBe(0);
  return JSON.parse(out) as Record<string, unknown>;
}

function recipeOf(webhook: string, approvalRequired: boolean): RecipeInput {
  return {
    ...tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 }),
    arms: {
      base: { objective: 'none', mode: 'direct' },
      taught: {
        ...{ objective: 'sft', mode: 'direct', stepCount: 24, exampleCountPerStep: 16, snapshotEveryStepCount: 24 },
        optimizer: { learningRate: 3e-3, warmupStepCount: 2 },
      },
    },
    evaluation: { tasks: ['technical', 'safety'], tokenCountMax: 8, bootstrapResampleCount: 100 },
    promotion: {
      ...{ name: 'taste', arm: 'taught' },
      gate: {
        minimums: [{ task: 'safety', metric: 'accuracy', atLeast: 0.1 }],
        regressionMax: 1,
        unparsableRateMax: 0.5,
      },
      approval: { required: approvalRequired, timeoutMs: 60_000 },
      notify: { webhooks: [{ url: webhook }], commands: [['cat']] },
    },
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-promotion-'));
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      told.push(JSON.parse(body) as (typeof told)[number]);
      response.end();
    });
  }).listen(0, '127.0.0.1');
  stack = await WholeStack.start();
  const webhook = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  for (const [name, isAsking] of [
    ['judge', false],
    ['asking', true],
  ] as const) {
    recipes[name] = join(folder, `${name}.json`);
    await writeFile(recipes[name], JSON.stringify(recipeOf(webhook, isAsking)));
    await json('run', recipes[name], '--id', name, '--wait');
  }
});

afterAll(async () => {
  await stack.stop();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

describe('mtrl promote', () => {
  it('promotes the first judge that passes the gate, once, and shows the measurements', async () => {
    const first = await json('promote', 'judge');
    expect(first).toMatchObject({
      ...{ status: 'promoted', name: 'taste', why: 'promoted to taste@1', gate: { passed: true } },
      promoted: { version: 1, experimentId: 'judge', runName: 'taught/s0', mode: 'direct' },
      notifications: { deliveredCount: 2, failures: [] },
    });
    expect(told.at(-1)).toMatchObject({ type: 'promoted', data: { name: 'taste', text: 'promoted to taste@1' } });
    const again = await json('promote', 'judge');
    expect(again).toMatchObject({ status: 'promoted', promoted: { version: 1 } });
    const { checks } = again['gate'] as { checks: { rule: string }[] };
    // One minimum; four checks for each of two tasks, on new and old data.
    expect(checks).toHaveLength(1 + 2 * 4);
    expect(checks.filter(({ rule }) => rule.includes('data of taste@1'))).toHaveLength(4);
    const { out } = await mtrl('promoted');
    expect(out).toMatch(/^taste@1 {2}[0-9a-f]{12} {2}taught\/s0 of judge, 20/);
  });

  it('holds back a judge that is worse than the promoted one, with exit code 1 and the rule', async () => {
    const held = await mtrl('promote', 'judge', '--arm', 'base', '--json');
    expect([held.code, held.err]).toEqual([1, expect.stringContaining('PROMOTION_HELD_BACK')]);
    const document = JSON.parse(held.out) as { readonly status: string; readonly why: string };
    expect(document).toMatchObject({ status: 'held-back', promoted: null });
    expect(document.why).toContain('unparsable answers to safety');
    expect(await json('promoted', 'taste')).toMatchObject({ current: 1, revision: 1 });
  });

  it('promotes it by force in the middle of 1,000 requests to `mtrl serve`: none is lost, none is answered twice', async () => {
    const serving = await ServeProcess.start(stack.home, 'taste');
    onTestFinished(async () => {
      await serving.stop();
    });
    const picture = sharp({ create: { width: 40, height: 40, channels: 3, background: 'teal' } }).png();
    const images = [dataUri(await picture.toBuffer())];
    let [askedCount, startPromotion] = [0, (): void => undefined];
    const mayPromote = new Promise<void>((resolve) => (startPromotion = resolve));
    const bodyOf = () => {
      // A field that the prompt does not use: nothing is answered from the cache.
      const n = askedCount++;
      if (n === 300) startPromotion();
      return { id: String(n), task: 'safety', images, fields: { n } };
    };
    const isEnough = ({ judged }: Answered): boolean => askedCount >= 1_000 && judged.version === 2;
    const asking = Promise.all(Array.from({ length: 8 }, () => serving.ask(bodyOf, isEnough)));
    await Promise.race([mayPromote, asking]);

    const shown = await mtrl('promote', 'judge', '--arm', 'base', '--force-reason', 'a drill');
    expect([shown.code, shown.err]).toEqual([0, expect.not.stringContaining('notification failed')]);
    expect(shown.out).toMatch(/FAILED +\d\.\d{4} +0\.5000 {2}unparsable answers to safety, new data/);
    expect(await json('promoted', 'taste')).toMatchObject({
      ...{ current: 2, versions: [{ version: 1 }, { version: 2, runName: 'base/s0' }] },
      events: [{ kind: 'promoted' }, { kind: 'promoted', version: 2, previous: 1, reason: 'a drill' }],
    });

    const { versions } = (await json('promoted', 'taste')) as { versions: { policy: { sha256: string } }[] };
    const answers = await asking;
    for (const ofClient of answers) {
      const policies = ofClient.map(({ judged }) => judged.policy.sha256);
      expect(policies.filter((policy, i) => policy !== policies[i - 1])).toEqual(
        versions.map(({ policy }) => policy.sha256),
      );
    }
    expect(answers.flat().filter(({ id, status, judged }) => status !== 200 || judged.id !== id)).toEqual([]);
    const inOrder = (all: readonly { readonly id: string }[]) =>
      all.toSorted((a, b) => Number(a.id) - Number(b.id)).map(({ id }) => id);
    const ids = Array.from({ length: askedCount }, (_, i) => String(i));
    expect(inOrder(answers.flat())).toEqual(ids);
    expect(inOrder(await serving.records('safety'))).toEqual(ids);
    expect(await serving.stop()).toBe(0);
  });

  it('reports invalid requests', async () => {
    const wrong: readonly (readonly [readonly string[], number, string])[] = [
      [['promote', 'nobody'], 1, 'NOT_FOUND'],
      [['promote', 'judge', '--arm', 'mt-rl'], 1, 'its runs: base/s0, taught/s0'],
      [['promote', 'judge', '--name', 'Judge'], 2, 'USAGE'],
      [['promote', 'judge', '--seed', 'x'], 2, 'must be an integer'],
      [['promoted', 'nobody'], 1, 'NOT_FOUND'],
      [['rollback', 'nobody'], 1, 'NOT_FOUND'],
      [['rollback', 'taste', '--to', '9'], 1, 'its versions: 1 to 2'],
      [['approve', 'judge'], 1, 'is waiting for a decision'],
      [['approve', 'nobody'], 1, 'NOT_FOUND'],
      [['rollback', 'taste', '--to', '2'], 2, 'is already the promoted one'],
    ];
    for (const [args, code, says] of wrong) {
      const ended = await mtrl(...args);
      expect([ended.code, ended.out, ended.err], args.join(' ')).toEqual([code, '', expect.stringContaining(says)]);
    }
  });
});

describe('a name', () => {
  it('returns to the previous version by a rollback, which its history shows', async () => {
    const document = await json('rollback', 'taste', '--by', 'ann', '--reason', 'it reads nothing');
    expect(document).toMatchObject({ from: { version: 2 }, promoted: { version: 1 }, revision: 3 });
    expect(told.at(-1)).toMatchObject({ type: 'rolled-back', data: { text: 'ann rolled back taste@2 to taste@1' } });
    const { out } = await mtrl('promoted', 'taste');
    expect(out).toMatch(/\* taste@1 .*\n {2}taste@2 /);
    expect(out).toMatch(/rolled-back from version 2 to version 1 by ann: it reads nothing/);
  });

  it('is a policy for evaluate and export, as is each of its versions', async () => {
    const evaluated = async (policy: string) => json('evaluate', '--policy', policy, '--recipe', recipes.judge);
    const [byName, byVersion, other] = [
      await evaluated('taste'),
      await evaluated('taste@1'),
      await evaluated('taste@2'),
    ];
    expect(byName).toMatchObject({ mode: 'direct', tasks: byVersion['tasks'], cache: { misses: 0 } });
    expect((other['policy'] as { sha256: string }).sha256).not.toBe((byName['policy'] as { sha256: string }).sha256);
    const missing = await mtrl('evaluate', '--policy', 'taste@7', '--recipe', recipes.judge);
    expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('its versions: 1 to 2')]);
    const to = join(folder, 'exported');
    expect(await json('export', 'taste@1', '--to', to)).toMatchObject({ run: 'taught/s0', experimentId: 'judge' });
    expect(existsSync(join(to, 'model.safetensors'))).toBe(true);
  });
});

describe('an approval', () => {
  it('is requested, given under the name, and refused afterwards; a rejection leaves the name unchanged', async () => {
    const promoting = json('promote', 'asking', '--arm', 'base', '--name', 'asked', '--force-reason', 'a drill');
    const decide = async (...args: readonly string[]) => {
      await expect.poll(() => told.at(-1)?.type).toBe('approval-wanted');
      return json(...args);
    };
    const { workflowId } = await decide('approve', 'asked', '--by', 'ann', '--reason', 'seen');
    expect(await promoting).toMatchObject({
      workflowId,
      status: 'promoted',
      decision: { by: 'ann' },
      promoted: { approvedBy: 'ann' },
    });
    const late = await mtrl('reject', String(workflowId));
    expect([late.code, late.err]).toEqual([1, expect.stringContaining('DECISION_REFUSED: too late')]);

    const rejecting = mtrl('promote', 'asking', '--name', 'asked', '--json');
    await decide('reject', 'asked', '--by', 'bob');
    const rejected = await rejecting;
    expect([rejected.code, rejected.err]).toEqual([1, expect.stringContaining('rejected by bob')]);
    expect(JSON.parse(rejected.out)).toMatchObject({ status: 'rejected', decision: { decision: 'reject' } });
    expect(await json('promoted', 'asked')).toMatchObject({
      ...{ current: 1, versions: [{ approvedBy: 'ann' }], events: [{ by: 'ann', reason: 'a drill; seen' }] },
    });
  });
});
