/** Passes are compressed with zstd if the server asks for it (`client/config`), and not otherwise. */
import { decompress } from 'fzstd';
import { describe, expect, it } from 'vitest';
import type { TinkerSettings } from '../../policy/engines/tinker/settings.ts';
import { isZstdFrame, zstdFrameOf } from '../../policy/engines/tinker/zstd.ts';
import { expectNone } from '../support/expect-none.ts';
import { startTinkerServer, tinkerTokens, withTinkerEngine } from '../support/tinker-fixture.ts';
import type { Fault, TinkerServerOptions } from '../support/tinker-server.ts';

const completion = { tokenIds: Array.from({ length: 400 }, (_, i) => 3 + (i % 5)), tokenWeight: 0.5 };
const pass = {
  groups: [{ prompt: { tokenIds: [5, 9], images: [] }, completions: [completion] }],
  ...{ loss: { name: 'cross_entropy' } as const, temperature: 1, tokens: tinkerTokens },
};
const step = { learningRate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1 };
const lora = { rank: 2, alpha: 32, seed: 1, modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj'] };

/** Log-probs after an update, and the bytes of the passes that were sent. The server is strict about the coding. */
async function trained(
  options: Partial<TinkerServerOptions>,
  fault: (verb: string) => Fault | undefined = () => undefined,
  overrides: Partial<TinkerSettings> = {},
) {
  const server = await startTinkerServer(options);
  server.fault = fault;
  try {
    const logProbs = await withTinkerEngine(
      server,
      async ({ engine, initial }) => {
        await engine.loadState(initial);
        await engine.prepareTraining({ lora });
        await engine.forwardBackward(pass);
        await engine.optimStep(step);
        return engine.forward({ ...pass, weights: 'current' });
      },
      overrides,
    );
    const passes = server.requests.filter(({ verb }) => verb === 'forward_backward');
    return { logProbs, byteLengths: passes.map(({ byteLength }) => byteLength) };
  } finally {
    await server.close();
    expectNone(server.problems);
  }
}

/** A fault for the first request of the verb. */
function first(wanted: string, fault: Fault): (verb: string) => Fault | undefined {
  let isDone = false;
  return (verb) => {
    if (verb !== wanted || isDone) return undefined;
    isDone = true;
    return fault;
  };
}

describe('a server that asks for compressed passes', () => {
  it('computes the same as one that does not, from fewer bytes', async () => {
    const [plain, compressed] = [await trained({}), await trained({ compresses: true })];
    expect(compressed.logProbs).toEqual(plain.logProbs);
    expect(compressed.byteLengths).toHaveLength(2);
    for (const [index, byteLength] of compressed.byteLengths.entries())
      expect(byteLength).toBeLessThan((plain.byteLengths[index] ?? 0) / 5);
  });

  it('applies a pass once whose answer was lost', async () => {
    const lost = await trained({ compresses: true }, first('forward_backward', { kind: 'lose' }));
    expect(lost.logProbs).toEqual((await trained({})).logProbs);
    expect(lost.byteLengths).toHaveLength(3);
  });

  it('and refuses what it gets, ends the work with a code', async () => {
    const refused = trained({ compresses: true }, first('forward_backward', { status: 415 }));
    await expect(refused).rejects.toMatchObject({ code: 'ENGINE_REFUSED' });
  });
});

it('a server of before client/config gets passes as they are', async () => {
  const { byteLengths } = await trained({}, first('client/config', { status: 404 }));
  expect(byteLengths).toEqual((await trained({})).byteLengths);
});

it.each([
  ['a flag that is neither true nor false', { pjwt_auth_enabled: false, proto_compress_fwdbwd: 'zstd' }],
  ['an answer that is no object', []],
])('%s in client/config is ENGINE_ANSWER_INVALID', async (_, body) => {
  await expect(trained({}, first('client/config', { status: 200, body }))).rejects.toMatchObject({
    code: 'ENGINE_ANSWER_INVALID',
    details: { where: expect.stringContaining('client/config') as string },
  });
});

it('a compressed answer that is broken has a code', async () => {
  const body = Buffer.from((await zstdFrameOf(Buffer.from('{"session_id":"1"}'))).slice(0, 12));
  const headers = { 'Content-Encoding': 'zstd' };
  const broken = (verb: string) => (verb === 'create_session' ? { status: 200, body, headers } : undefined);
  const error: unknown = await trained({}, broken, { retryMs: 100 }).catch((reason: unknown) => reason);
  // The second: where fetch itself decodes zstd.
  expect(['ENGINE_ANSWER_INVALID', 'ENGINE_UNREACHABLE']).toContain((error as { readonly code?: string }).code);
});

it.each([0, 1, 255, 256, 65_791, 65_792, 300_000])('%d bytes are those of the frame', async (byteLength) => {
  const bytes = Uint8Array.from({ length: byteLength }, (_, i) => (i * i) >> 3);
  const frame = Buffer.from(await zstdFrameOf(bytes));
  expect(isZstdFrame(frame)).toBe(true);
  expect(isZstdFrame(frame.subarray(0, 3))).toBe(false);
  expect(Buffer.from(decompress(frame)).equals(bytes)).toBe(true);
});
