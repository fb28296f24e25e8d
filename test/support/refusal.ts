import { expect } from 'vitest';
import { readArchitecture } from '../../policy/models/architecture.ts';

/** Expects the config to be refused with the name of the field. */
export function expectRefused(config: unknown, field: string): void {
  expect(() => readArchitecture(config, 'config.json')).toThrow(
    expect.objectContaining({
      code: 'CHECKPOINT_UNSUPPORTED',
      message: expect.stringContaining(field) as string,
    }) as Error,
  );
}
