import { describe, expect, it } from 'vitest';
import { checkEngine } from '../../pipeline/policies/required-engine.ts';

const tfjs = { backend: 'tfjs', executionProvider: 'wasm' } as const;

describe("a recipe's engine requirements", () => {
  it.each([
    [undefined, tfjs],
    [{ backend: 'onnxruntime' } as const, {}],
    [{ backend: 'onnxruntime', executionProvider: 'cpu' } as const, {}],
    [{ backend: 'tfjs' } as const, tfjs],
    [tfjs, tfjs],
  ])('%o is met by %o', (engine, ours) => {
    expect(() => {
      checkEngine(engine === undefined ? {} : { engine }, ours);
    }).not.toThrow();
  });

  it.each([
    [tfjs, {}],
    [tfjs, { backend: 'tfjs' }],
    [{ backend: 'onnxruntime', executionProvider: 'webgpu' } as const, {}],
    [{ backend: 'onnxruntime' } as const, tfjs],
  ])('%o is not met by %o, and the error states how to start the worker', (engine, ours) => {
    expect(() => {
      checkEngine({ engine }, ours);
    }).toThrow(
      expect.objectContaining({
        code: 'PROVIDER_UNAVAILABLE',
        details: expect.objectContaining({
          hint: expect.stringContaining(`MTRL_ENGINE_BACKEND=${engine.backend}`) as string,
        }) as object,
      }) as Error,
    );
  });
});
