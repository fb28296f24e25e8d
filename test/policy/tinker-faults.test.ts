/** Faults of the server and of the network: each is survived without applying an update twice, or has a code. */
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../../core/project.ts';
import type { EncodedImages, Engine, OptimStepRequest, StateHandle, TrainGroup } from '../../policy/engine.ts';
import type { TinkerSettings } from '../../policy/engines/tinker/settings.ts';
import { imageSizeOf } from '../../policy/vision/rgb-image.ts';
import { retryAfterMsOf } from '../../pipeline/retry-after.ts';
import { startTinkerServer, type TinkerEngines, tinkerTokens, withTinkerEngine } from '../support/tinker-fixture.ts';
import type { Fault, TinkerServer } from '../support/tinker-server.ts';
import { imageTokenCount } from '../support/tinker-wire.ts';

const lora = { rank: 2, alpha: 32, seed: 1, modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj'] };
const adamw: OptimStepRequest = {
  ...{ learningRate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
  ...{ weightDecay: 0, gradientNormMax: 1 },
};
const groups: TrainGroup[] = [
  { prompt: { tokenIds: [5, 9], images: [] }, completions: [{ tokenIds: [7, 2], tokenWeight: 0.5 }] },
];
const prompts = [5, 6, 7, 8].map((id) => ({ tokenIds: [id], images: [] }));
const sampling = {
  ...{ prompts, groupSize: 2, tokens: tinkerTokens, seed: 5, step: 3, promptOffset: 0, promptTokenCountMax: 8 },
  sampling: { temperature: 1, greedy: false, tokenCountMax: 8 },
};

let server: TinkerServer;
beforeEach(async () => {
  server = await startTinkerServer();
});
afterEach(async () => {
  await server.close();
  expect(server.problems).toEqual([]);
});

const common = { loss: { name: 'cross_entropy' } as const, temperature: 1, tokens: tinkerTokens };

async function update(engine: Engine): Promise<void> {
  await engine.forwardBackward({ groups, ...common });
  await engine.optimStep(adamw);
}

/** Log-probs after the wanted number of updates, and what `between` does before each. */
async function trained(
  count: number,
  between: (index: number, engines: TinkerEngines) => Promise<void> | void = () => undefined,
  overrides: Partial<TinkerSettings> = {},
) {
  return withTinkerEngine(
    server,
    async (engines) => {
      const { engine, initial } = engines;
      await engine.loadState(initial);
      await engine.prepareTraining({ lora });
      for (let index = 0; index < count; index++) {
        await between(index, engines);
        await update(engine);
      }
      server.fault = () => undefined;
      const logProbs = await engine.forward({ groups, ...common, weights: 'current' });
      return { logProbs, stepCount: server.newest.stepCount };
    },
    overrides,
  );
}

/** A fault for the first request of the verb that is not refused by it. */
function once(verb: string, fault: Fault): void {
  let isDone = false;
  server.fault = (asked) => {
    if (asked !== verb || isDone) return undefined;
    isDone = true;
    return fault;
  };
}

describe('an update is applied once', () => {
  it.each([
    ['forward_backward', { kind: 'lose' }],
    ['optim_step', { kind: 'lose' }],
    ['optim_step', { kind: 'drop' }],
    ['optim_step', { status: 500 }],
    ['optim_step', { status: 503, headers: { 'Retry-After': '0' } }],
    ['create_model', { kind: 'lose' }],
    ['retrieve_future', { kind: 'drop' }],
  ] as const)('when an answer to %s is %o', async (verb, fault) => {
    const wanted = await trained(3);
    const found = await trained(3, (index) => {
      if (index === 1 || verb === 'create_model') once(verb, fault);
    });
    expect(found).toEqual(wanted);
    expect(found.stepCount).toBe(3);
  });

  it.each([true, false])(
    'when the server restarts empty between the two halves, its saves kept: %s',
    async (keepsSaves) => {
      const wanted = await trained(3);
      const found = await trained(3, (index) => {
        if (index !== 1) return;
        let isDone = false;
        server.fault = (verb) => {
          if (verb === 'optim_step' && !isDone) server.restart({ keepsSaves });
          isDone ||= verb === 'optim_step';
          return undefined;
        };
      });
      expect(found).toEqual(wanted);
    },
  );

  it('when the server restarts after it has applied the step and before it has said so', async () => {
    const wanted = await trained(2);
    const found = await trained(2, (index) => {
      if (index !== 1) return;
      let hasStepped = false;
      server.fault = (verb) => {
        if (verb === 'retrieve_future' && hasStepped) {
          server.restart({ keepsSaves: true });
          server.fault = () => undefined;
        }
        hasStepped ||= verb === 'optim_step';
        return undefined;
      };
    });
    expect(found).toEqual(wanted);
  });
});

describe('states', () => {
  it('are reloaded after a restart, with the updates since', async () => {
    const wanted = await trained(4);
    const found = await trained(4, async (index, { engine }) => {
      if (index === 2) await engine.saveState();
      if (index === 3) server.restart({ keepsSaves: true });
    });
    expect(found).toEqual(wanted);
    expect(server.countOf('load_weights')).toBe(1);
  });

  it.each(['save_weights', 'load_weights', 'save_weights_for_sampler'])('survive a lost answer to %s', async (verb) => {
    await withTinkerEngine(server, async ({ engine, initial }) => {
      await engine.loadState(initial);
      await engine.prepareTraining({ lora });
      await update(engine);
      const before = await engine.sample(sampling);
      once(verb, { kind: 'lose' });
      const state = await engine.saveState();
      await engine.loadState(state);
      expect(await engine.sample(sampling)).toEqual(before);
    });
  });

  it('that the server has lost are NOT_FOUND', async () => {
    await withTinkerEngine(server, async ({ engine, initial }) => {
      const state = await saved(engine, initial);
      server.restart({ keepsSaves: false });
      await expect(engine.loadState(state)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await engine.loadState(initial);
      expect((await engine.sample(sampling)).groups).toHaveLength(prompts.length);
    });
  });

  it('end the engine if they cannot be made again, so that another one starts from a snapshot', async () => {
    await withTinkerEngine(server, async ({ engine, initial }) => {
      await saved(engine, initial);
      server.restart({ keepsSaves: false });
      await expect(update(engine)).rejects.toMatchObject({ code: 'COMPUTE_CRASHED' });
      expect(await engine.closed).toMatchObject({ code: 'COMPUTE_CRASHED' });
    });
  });

  it('are saved by the engine after many updates, and one such save is kept at a time', async () => {
    await trained(33);
    expect(server.countOf('save_weights')).toBe(2);
    expect(server.savePaths).toEqual([]);
    expect(server.modelCount).toBe(0);
  });

  it('are deleted on the server if no artifact names them', async () => {
    await withTinkerEngine(server, async ({ engine, initial, service }) => {
      const [kept, dropped] = [await saved(engine, initial), await engine.saveState()];
      await service.states.putCheckpoint(kept, {});
      for (const state of [kept, dropped]) await service.states.discard(state);
      expect(server.savePaths).toHaveLength(1);
    });
  });
});

async function saved(engine: Engine, initial: StateHandle): Promise<StateHandle> {
  await engine.loadState(initial);
  await engine.prepareTraining({ lora });
  await update(engine);
  return engine.saveState();
}

describe('a server that does not do its part has a code', () => {
  const loading = (overrides: Partial<TinkerSettings> = {}, environment: NodeJS.ProcessEnv = {}) =>
    withTinkerEngine(
      server,
      ({ engine, initial }) => saved(engine, initial),
      { ...overrides },
      {
        ...(Object.keys(environment).length > 0 && { environment }),
      },
    );

  it('a wrong key, which the error does not repeat', async () => {
    server.fault = (verb) => (verb === 'get_server_capabilities' ? { status: 401 } : undefined);
    const refused = await loading({ key: 'tml-secret' }).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'ENGINE_REFUSED',
      details: { hint: expect.stringContaining('TINKER_API_KEY') as string },
    });
    expect(JSON.stringify(refused)).not.toContain('tml-secret');
  });

  it('a base model that it does not have', async () => {
    await expect(loading({ baseModel: 'tests/other' })).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
  });

  it('a storm of 5xx', async () => {
    server.fault = (verb) => (verb === 'forward_backward' ? { status: 502 } : undefined);
    await expect(loading({ retryMs: 50 })).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  });

  it('a result that never comes', async () => {
    server.isPending = () => true;
    await expect(loading({ resultTimeoutMs: 50 })).rejects.toMatchObject({ code: 'COMPUTE_STALLED' });
  });

  it('a missing setting', async () => {
    await expect(loading({}, { MTRL_TINKER_URL: 'not an address' })).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('sampling', () => {
  it('keeps a limit of requests in flight, and waits as Retry-After says', async () => {
    let refusedCount = 0;
    server.fault = (verb) =>
      verb === 'asample' && refusedCount++ < 2 ? { status: 429, headers: { 'Retry-After': '1' } } : undefined;
    await withTinkerEngine(
      server,
      async ({ engine, initial }) => {
        await engine.loadState(initial);
        const { groups: found } = await engine.sample(sampling);
        expect(found.map((group) => group.length)).toEqual([2, 2, 2, 2]);
        expect(server.samplingCountMax).toBe(2);
        expect(refusedCount).toBeGreaterThanOrEqual(6);
      },
      // Without Retry-After, a refused request would wait longer than the limit allows.
      { samplingCountMax: 2, backoffMs: 60_000, retryMs: 30_000 },
      { retryAfterMsOf },
    );
  });

  it.each([
    ['another vocabulary', 'ENGINE_ANSWER_INVALID', (tokens: number[]): void => void tokens.fill(100_000)],
    ['a token too many', 'ENGINE_ANSWER_INVALID', (tokens: number[]): void => void tokens.push(7)],
  ] as const)('refuses %s', async (_what, code, change) => {
    server.tamper = (sequences) => {
      for (const { tokens } of sequences) change(tokens);
    };
    await expect(sampled()).rejects.toMatchObject({ code });
  });

  it('draws a greedy answer again, at temperature 1, if it has a banned token', async () => {
    const [banned = 0] = tinkerTokens.bannedTokenIds;
    const logits = Array.from({ length: 16 }, () => Array.from({ length: 16 }, (_, id) => (id === banned ? 1 : 0)));
    const greedy = await startTinkerServer({ logits });
    try {
      const { groups: found } = await withTinkerEngine(greedy, async ({ engine, initial }) => {
        await engine.loadState(initial);
        return engine.sample({ ...sampling, sampling: { ...sampling.sampling, greedy: true, tokenCountMax: 2 } });
      });
      expect(found.flat().flatMap(({ tokenIds }) => tokenIds)).not.toContain(banned);
      expect(greedy.problems).toEqual([]);
    } finally {
      await greedy.close();
    }
  });

  it('refuses log-probs that are not finite', async () => {
    server.tamper = ([first]) => {
      if (first) first.logprobs[0] = null;
    };
    await expect(sampled()).rejects.toMatchObject({ code: 'NON_FINITE' });
  });

  const sampled = () =>
    withTinkerEngine(server, async ({ engine, initial }) => {
      await engine.loadState(initial);
      return engine.sample(sampling);
    });
});

describe('images', () => {
  const picture = `${projectRoot}/test/fixtures/qwen3-vl/half.png`;
  const withImage = (tokenCount: number, encoded: EncodedImages) =>
    withTinkerEngine(server, async ({ engine, initial }) => {
      await engine.loadState(initial);
      const tokenIds = [5, ...new Array<number>(tokenCount).fill(encoded.tokenId), 6];
      const prompt = { tokenIds, images: [{ height: 1, width: 1 }], pixels: () => Promise.resolve([]), encoded };
      return engine.sample({ ...sampling, prompts: [prompt], promptTokenCountMax: 64 });
    });
  const files = async () => [new Uint8Array(await readFile(picture))];

  it('are sent as files with their tokens counted', async () => {
    const tokenCount = imageTokenCount(await imageSizeOf(await readFile(picture)));
    expect((await withImage(tokenCount, { tokenId: 4, files })).groups).toHaveLength(1);
    const { prompt } = server.requests.find(({ verb }) => verb === 'asample')?.body as {
      readonly prompt: { readonly chunks: readonly { readonly type: string }[] };
    };
    expect(prompt.chunks.map(({ type }) => type)).toEqual(['encoded_text', 'image', 'encoded_text']);
    await expect(withImage(tokenCount + 1, { tokenId: 4, files })).rejects.toMatchObject({
      code: 'ENGINE_REFUSED',
      details: { hint: expect.stringContaining('image processor') as string },
    });
  });

  it('in a form that the wire does not have are refused', async () => {
    const gif = () => Promise.resolve([new TextEncoder().encode('GIF89a')]);
    await expect(withImage(6, { tokenId: 4, files: gif })).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  });
});
